//! What must be true of a tree before anything is sent.
