"""What covers the play: menus and galleries, drawn in the client's own theme and worked by mouse or keyboard."""
