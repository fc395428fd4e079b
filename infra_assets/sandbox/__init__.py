"""The embedded default: engine and provider, the AWS emulator, and how AWS is reached. Nothing imitated but AWS itself."""
