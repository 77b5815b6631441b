//! Texts that refs hold: each is the message of a commit without files, because every Git server accepts commits.

use git2::{ErrorCode, Oid, Signature, Time};
use jiff::Timestamp;

use super::local_clone::{GitError, LocalClone, Remote, unreadable};
use crate::tree::object_size;

/// Who commits what emblazon writes.
pub(super) const NAME: &str = "emblazon";
/// The address, which belongs to nobody.
pub(super) const EMAIL: &str = "emblazon@localhost";
/// Size of the largest commit that is read, in bytes.
const MAX_COMMIT: usize = 8 << 20;

impl LocalClone {
    /// Writes a text into the repository, and returns its commit; no ref names it yet.
    pub(crate) fn write_text(&self, text: &str, now: Timestamp) -> Result<String, GitError> {
        self.write_text_after(text, None, now)
    }

    /// Writes a text into the repository as the commit after another one, and returns it; no ref names it yet.
    pub(in crate::apply) fn write_text_after(
        &self,
        text: &str,
        before: Option<&str>,
        now: Timestamp,
    ) -> Result<String, GitError> {
        let repository = self.repository()?;
        let write = || {
            let before = before.map(|id| repository.find_commit(Oid::from_str(id)?));
            let before = before.transpose()?;
            let parents: Vec<&git2::Commit<'_>> = before.iter().collect();
            let time = Time::new(now.as_second(), 0);
            let author = Signature::new(NAME, EMAIL, &time)?;
            let nothing = repository.treebuilder(None)?.write()?;
            let nothing = repository.find_tree(nothing)?;
            repository.commit(None, &author, &author, text, &nothing, &parents)
        };
        let id = write().map_err(|error| unreadable(&error))?;
        Ok(id.to_string())
    }

    /// Reads the text of a commit; none when this repository does not have it. Anything else, and a commit that is too
    /// large, has an empty text.
    pub(in crate::apply) fn text(&self, id: &str) -> Result<Option<String>, GitError> {
        let repository = self.repository()?;
        let read = || -> Result<Option<String>, git2::Error> {
            let id = Oid::from_str(id)?;
            if object_size(&repository.odb()?, id)? > MAX_COMMIT {
                return Ok(None);
            }
            let object = repository.find_object(id, None)?;
            let message = object.as_commit().map(git2::Commit::message_bytes);
            Ok(message.map(|text| String::from_utf8_lossy(text).into_owned()))
        };
        match read() {
            Ok(text) => Ok(Some(text.unwrap_or_default())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

impl Remote {
    /// Reads the text of the commit that a ref of the remote names; none when the ref moved in between.
    pub(crate) async fn text(&self, reference: &str, id: &str) -> Result<Option<String>, GitError> {
        if let Some(text) = self.clone_of().text(id)? {
            return Ok(Some(text));
        }
        if let Err(error) = self.peek(reference).await
            && self.value(reference).await?.as_deref() == Some(id)
        {
            return Err(error);
        }
        self.clone_of().text(id)
    }
}
