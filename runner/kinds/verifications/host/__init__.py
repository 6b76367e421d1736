"""Verifications of what is on a host: services, ports, disks, certificates, files and processes."""
