//! What cards contain, compressed: on a page of very many brands, the page's script unpacks it when a card is opened.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use miniz_oxide::deflate::compress_to_vec_zlib;

/// How many cards are compressed together; more would make the first one of them slower to open.
const IN_ONE: usize = 100;
/// How hard the compressor tries, of 10.
const LEVEL: u8 = 6;

/// The contents of the cards of a page.
#[derive(Default)]
pub(super) struct Parts {
    collected: Vec<String>,
    packed: Vec<String>,
}

impl Parts {
    /// Takes the content of a card, and returns the place by which the script finds it.
    pub(super) fn put(&mut self, content: Markup) -> String {
        if self.collected.len() == IN_ONE {
            self.pack();
        }
        self.collected.push(content.into_string());
        format!("{}/{}", self.packed.len(), self.collected.len() - 1)
    }

    /// Renders the contents as blocks of data.
    pub(super) fn rendered(mut self) -> Markup {
        if !self.collected.is_empty() {
            self.pack();
        }
        html! {
            @for (number, part) in self.packed.iter().enumerate() {
                // Base64 needs no escaping.
                script type="application/octet-stream" id={ "part-" (number) } { (PreEscaped(part)) }
            }
        }
    }

    fn pack(&mut self) {
        let text = serde_json::Value::from(std::mem::take(&mut self.collected)).to_string();
        let packed = compress_to_vec_zlib(text.as_bytes(), LEVEL);
        self.packed.push(STANDARD.encode(packed));
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::inflate::decompress_to_vec_zlib;

    use super::*;

    #[test]
    fn what_is_put_is_found_at_its_place() {
        let mut parts = Parts::default();
        let places: Vec<String> = (0..=IN_ONE)
            .map(|number| parts.put(html! { p { (number) "</script>" } }))
            .collect();
        assert_eq!(places[7], "0/7");
        assert_eq!(places[IN_ONE], "1/0");
        let page = parts.rendered().into_string();
        let data = page.split_once("id=\"part-1\">").expect("it is there").1;
        let data = data.split_once("</script>").expect("it ends").0;
        let packed = STANDARD.decode(data).expect("it is base64");
        let text = decompress_to_vec_zlib(&packed).expect("it is zlib");
        let cards: Vec<String> = serde_json::from_slice(&text).expect("it is JSON");
        assert_eq!(cards, ["<p>100&lt;/script&gt;</p>"]);
    }
}
