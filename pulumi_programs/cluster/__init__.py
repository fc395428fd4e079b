"""The project `cluster`: a tenant's ECS cluster, sized by the tenant's own settings."""
