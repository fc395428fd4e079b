"""What gets deployed: one Pulumi project per folder, and the components that they share. Imports nothing of infra_assets."""
