"""What inventories say, as Ansible reads them."""
