"""Rules about verifications."""
