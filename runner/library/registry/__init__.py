"""What runbooks link to: alerts, risks, deployment criteria, scenarios."""
