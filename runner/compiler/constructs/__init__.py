"""What a procedure is made of besides single steps, as Ansible tasks: one file for each construct."""
