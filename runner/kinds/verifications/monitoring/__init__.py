"""What monitoring and the cloud say of a system: alerts, metrics, and services of AWS."""
