"""The project `network`: a tenant's VPC."""
