"""A lab of whole machines: five systemd hosts from one image, with sshd, in a network of their own."""
