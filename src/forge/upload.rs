//! Uploads the pictures of a comment to where the forge keeps such files.
//!
//! | forge | where they lie | request |
//! | --- | --- | --- |
//! | GitHub | in a commit that only `refs/emblazon/pictures` leads to | `POST /repos/R/git/blobs`, `trees`, `commits`, then the ref |
//! | GitLab | among the project's uploads | `POST /projects/R/uploads` |
//! | Gitea | among the pull request's attachments | `POST /repos/R/issues/N/assets` |

use super::client::Forge;
use super::picture::{CommentPicture, address_in};
use super::request::{self, Things};
use super::{ForgeError, ForgeKind, Mark, Publisher};

/// How many times the ref is moved again when another run moved it first.
const MOVES: usize = 4;

impl Publisher {
    /// Uploads the pictures of a comment on the pull request, except those that the comment already shows, and returns
    /// the text with their addresses.
    ///
    /// # Errors
    /// When the forge refuses a picture; the text alone can still be published, without its pictures.
    pub async fn illustrate(
        &self,
        text: &str,
        pictures: &[CommentPicture],
    ) -> Result<String, ForgeError> {
        let number = self.number()?;
        let mark = Mark::of(text)?;
        self.patiently(async || {
            let author = self.author().await?;
            let comments = Things::Comments(number);
            let found = self.find(comments, &mark, author).await?;
            let before = found.first().map_or("", |comment| comment.text.as_str());
            let known = |picture: &CommentPicture| address_in(before, picture.name());
            let new: Vec<&CommentPicture> =
                (pictures.iter()).filter(|it| known(it).is_none()).collect();
            let mut new = upload(&self.forge, number, &new).await?.into_iter();
            let mut text = text.to_owned();
            for picture in pictures {
                let address = known(picture).map(str::to_owned).or_else(|| new.next());
                let address = address.unwrap_or_default();
                let (link, name) = (&picture.link, picture.name());
                text = text.replacen(
                    &format!("]({link})\n"),
                    &format!("]({address} \"{name}\")\n"),
                    1,
                );
            }
            Ok(text)
        })
        .await
    }
}

/// Uploads pictures, and returns their addresses in the same order.
async fn upload(
    forge: &Forge,
    number: u64,
    pictures: &[&CommentPicture],
) -> Result<Vec<String>, ForgeError> {
    if pictures.is_empty() {
        return Ok(Vec::new());
    }
    let (path, part, member) = match forge.target.kind {
        ForgeKind::Github => return commit(forge, pictures).await,
        ForgeKind::Gitlab => (request::uploads(&forge.target), "file", "url"),
        ForgeKind::Gitea => (
            request::attachments(&forge.target, number),
            "attachment",
            "browser_download_url",
        ),
    };
    let mut addresses = Vec::new();
    for picture in pictures {
        let answer = forge.upload(&path, part, picture).await?;
        let address = answer[member].as_str().filter(|it| is_address(it));
        let address = address.ok_or_else(|| ForgeError::Answer(format!("POST {path}")))?;
        addresses.push(address.to_owned());
    }
    Ok(addresses)
}

/// Returns whether an answer can stand as an address in Markdown.
fn is_address(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"()<>\"'`\\".contains(&byte);
    !text.is_empty() && text.len() <= 2000 && text.bytes().all(is_safe)
}

/// Commits pictures to a ref of their own. Earlier commits stay in its history, so that earlier comments keep theirs.
async fn commit(forge: &Forge, pictures: &[&CommentPicture]) -> Result<Vec<String>, ForgeError> {
    let target = &forge.target;
    let mut files = Vec::new();
    for picture in pictures {
        let blob = forge.made(&request::blob(target, &picture.bytes)).await?;
        files.push((picture.name(), blob));
    }
    let tree = forge.made(&request::tree(target, &files)).await?;
    for attempt in 1.. {
        let before = forge.pictures_ref().await?;
        let parents: Vec<&str> = before.as_deref().into_iter().collect();
        let commit = forge
            .made(&request::commit(target, &tree, &parents))
            .await?;
        let move_it = request::move_pictures_ref(target, &commit, before.is_some());
        match forge.send(&move_it).await {
            // Another run moved it first.
            Err(ForgeError::Refused { status: 422, .. }) if attempt < MOVES => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let address = |(name, _): &(&str, String)| request::page_of(target, &commit, name);
                return Ok(files.iter().map(address).collect());
            }
        }
    }
    Ok(Vec::new())
}

impl Forge {
    /// Sends a request that makes an object of Git, and returns its id.
    async fn made(&self, make: &request::Request) -> Result<String, ForgeError> {
        let answer = self.send(make).await?;
        let is_id =
            |id: &&str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
        let id = answer["sha"].as_str().filter(is_id);
        let id = id.ok_or_else(|| ForgeError::Answer(make.path.clone()))?;
        Ok(id.to_owned())
    }

    /// Returns the commit that the ref of the pictures names.
    async fn pictures_ref(&self) -> Result<Option<String>, ForgeError> {
        let ask = request::pictures_ref(&self.target);
        match self.send(&ask).await {
            Ok(answer) => {
                let id = answer["object"]["sha"].as_str();
                let id = id.ok_or_else(|| ForgeError::Answer(ask.path.clone()))?;
                Ok(Some(id.to_owned()))
            }
            Err(ForgeError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
