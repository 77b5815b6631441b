//! The cards of a page of very many brands, compressed: the page's script unpacks and draws those that are looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use miniz_oxide::deflate::compress_to_vec_zlib;

/// How many cards are compressed, and drawn, together.
const IN_ONE: usize = 40;
/// How hard the compressor tries, of 10.
const LEVEL: u8 = 4;

/// The cards of a page.
#[derive(Default)]
pub(super) struct Parts {
    cards: usize,
    collected: Vec<String>,
    packed: Vec<String>,
}

impl Parts {
    /// Returns how many cards there are.
    pub(super) fn cards(&self) -> usize {
        self.cards
    }

    /// Takes a card.
    pub(super) fn put(&mut self, card: Markup) {
        if self.collected.len() == IN_ONE {
            self.pack();
        }
        self.cards += 1;
        self.collected.push(card.into_string());
    }

    /// Renders the cards as blocks of data.
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

    /// Returns how many cards are in one block.
    pub(super) fn in_one() -> usize {
        IN_ONE
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
        for number in 0..=IN_ONE {
            parts.put(html! { p { (number) "</script>" } });
        }
        assert_eq!(parts.cards(), IN_ONE + 1);
        let page = parts.rendered().into_string();
        let data = page.split_once("id=\"part-1\">").expect("it is there").1;
        let data = data.split_once("</script>").expect("it ends").0;
        let packed = STANDARD.decode(data).expect("it is base64");
        let text = decompress_to_vec_zlib(&packed).expect("it is zlib");
        let cards: Vec<String> = serde_json::from_slice(&text).expect("it is JSON");
        assert_eq!(cards, [format!("<p>{IN_ONE}&lt;/script&gt;</p>")]);
    }
}
