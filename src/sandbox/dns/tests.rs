//! The DNS of the sandbox, over real packets.
