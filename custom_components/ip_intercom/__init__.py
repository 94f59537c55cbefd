"""IP Intercom: door stations and access control of several makers, in one integration."""
