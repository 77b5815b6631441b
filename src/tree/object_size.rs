//! The size of an object in a Git repository, before the object is read.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use git2::{Error, ErrorClass, ErrorCode, Odb, Oid};

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Returns the size of an object in bytes, without inflating it.
///
/// git2 panics when libgit2 reports a type that Git does not have, as it does for some damaged packs. The panic is an
/// error here, and says nothing of its own on standard error.
///
/// # Errors
/// When the object is missing, or the repository is damaged.
pub(crate) fn object_size(database: &Odb<'_>, id: Oid) -> Result<usize, Error> {
    say_nothing_while_asking();
    ASKING.set(true);
    let header = panic::catch_unwind(AssertUnwindSafe(|| database.read_header(id)));
    ASKING.set(false);
    match header {
        Ok(header) => header.map(|(size, _)| size),
        Err(_) => Err(Error::new(
            ErrorCode::Invalid,
            ErrorClass::Odb,
            format!(
                "the repository is damaged at object {id}: `git fsck --full` shows what is lost, a fresh clone has it again"
            ),
        )),
    }
}

fn say_nothing_while_asking() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let say = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !ASKING.get() {
                say(info);
            }
        }));
    });
}
