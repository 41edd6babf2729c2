source (status dirname)/libcaption.fish
__libcaption_define capserve
