"""SmartYard accounts: the apartments of a user, through the cloud of the operator."""
