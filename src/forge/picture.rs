//! The pictures of a comment, and the links to them in its text.
//!
//! A picture's name ends in the beginning of its digest: what a report links to is known from the name, and one that the
//! comment already shows is not sent again.

use crate::model::Digest;

/// The first bytes of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture that a report in Markdown links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentPicture {
    /// The link, as the report spells it: a path from the report's own folder.
    pub link: String,
    /// The PNG.
    pub bytes: Vec<u8>,
}

/// How many pictures a comment has, at most; a report has fewer.
const MOST: usize = 100;

/// Iterates over the links of a report to pictures of emblazon's own, in their order.
///
/// Only such a link stands alone on its line, leads to a file below the report's folder, and ends in a digest, so that
/// nothing that a brand is called leads to a file.
pub fn picture_links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.lines().filter_map(|line| {
        let (_, link) = line.strip_prefix("![")?.split_once("](")?;
        link.strip_suffix(')')
    });
    let is_below = |link: &str| !link.starts_with('/') && link.split('/').all(|part| part != "..");
    let links = links.filter(move |link| is_below(link) && digest_of(name_of(link)).is_some());
    links.take(MOST)
}

/// Returns the file's name at the end of a link.
fn name_of(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or(link)
}

/// Returns the beginning of the digest in a picture's name.
fn digest_of(name: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let (_, digest) = name.strip_suffix(".png")?.rsplit_once('-')?;
    let is_hex = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && name.bytes().all(is_plain)).then_some(digest)
}

impl CommentPicture {
    /// Takes the bytes of a linked file; `None` if they are not the picture that the link names.
    #[must_use]
    pub fn new(link: &str, bytes: Vec<u8>) -> Option<Self> {
        let digest = digest_of(name_of(link))?;
        let is_it = bytes.starts_with(PNG) && Digest::of(&bytes).short() == digest;
        is_it.then(|| Self {
            link: link.to_owned(),
            bytes,
        })
    }

    /// Returns its name, which is the same for the same picture of the same brand.
    #[must_use]
    pub fn name(&self) -> &str {
        name_of(&self.link)
    }
}

/// Removes the links to pictures that could not be uploaded.
#[must_use]
pub fn without_pictures(text: &str) -> String {
    let mut rest = text.to_owned();
    let links: Vec<&str> = picture_links(text).collect();
    for link in links {
        let is_its = |line: &&str| line.starts_with("![") && line.ends_with(&format!("]({link})"));
        let line = text.lines().find(is_its).unwrap_or_default();
        rest = rest.replacen(&format!("{line}\n\n"), "", 1);
    }
    rest
}

/// Returns the address of a picture that a comment shows.
pub(super) fn address_in<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let title = format!(" \"{name}\")");
    let lines = text.lines().filter(|line| line.starts_with("!["));
    let mut found = lines.filter_map(|line| line.trim_end().strip_suffix(title.as_str()));
    found.find_map(|line| Some(line.split_once("](")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(content: &[u8]) -> (String, Vec<u8>) {
        let bytes = [PNG, content].concat();
        let link = format!("pictures/acme-{}.png", Digest::of(&bytes).short());
        (link, bytes)
    }

    /// What a brand is called never leads to a file.
    #[test]
    fn only_own_pictures_are_links() {
        #[track_caller]
        fn check(line: &str, expected: Option<&str>) {
            let text = format!("before\n{line}\nafter\n");
            assert_eq!(picture_links(&text).next(), expected, "{line}");
        }
        let good = "pictures/acme-0123456789ab.png";
        check(&format!("![Live | After]({good})"), Some(good));
        check(&format!("see ![Live | After]({good})"), None);
        check(&format!("`![x]({good})`"), None);
        check("![x](pictures/acme.png)", None);
        check("![x](pictures/acme-0123456789ab.jpg)", None);
        check("![x](https://a.example/acme-0123456789ab.png \"x\")", None);
        check("![x](/etc/passwd)", None);
        check("![x](/tmp/acme-0123456789ab.png)", None);
        check("![x](../acme-0123456789ab.png)", None);
        check("![x](a/../../acme-0123456789ab.png)", None);
    }

    #[test]
    fn a_file_counts_only_if_it_is_the_picture() {
        let (link, bytes) = picture(b"one");
        assert!(CommentPicture::new(&link, bytes.clone()).is_some());
        let (other, _) = picture(b"two");
        assert_eq!(CommentPicture::new(&other, bytes), None);
        let secret = b"secret".to_vec();
        let link = format!("x-{}.png", Digest::of(&secret).short());
        assert_eq!(CommentPicture::new(&link, secret), None);
    }

    #[test]
    fn a_comment_tells_where_its_pictures_lie() {
        let text = "a\n![Live | After](https://f.example/a/1.png \"acme-0123456789ab.png\")\n";
        let known = address_in(text, "acme-0123456789ab.png");
        assert_eq!(known, Some("https://f.example/a/1.png"));
        assert_eq!(address_in(text, "acme-0123456789ac.png"), None);
        let plain = "x\n\n![Live | After](p/acme-0123456789ab.png)\n\ny\n";
        assert_eq!(without_pictures(plain), "x\n\ny\n");
    }
}
