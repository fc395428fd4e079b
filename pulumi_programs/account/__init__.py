"""The project `account`: what a tenant's AWS account has before anything else is deployed."""
