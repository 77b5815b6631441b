//! The tree from files to desired state, as its users see it.

mod beside;
mod catalogue;
mod changing;
mod format;
mod loading;
mod precedence;
mod properties;
mod remedies;
mod schemas;
mod source;
