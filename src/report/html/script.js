"use strict";
{
  // A page of thousands of brands holds them compressed, and draws those that somebody looks at.
  const unpack = async (part) => {
    const packed = atob(document.getElementById(`part-${part}`).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  };
  class Wall {
    constructor(wall) {
      [this.first, this.count, this.each] = ["first", "count", "each"].map((name) => Number(wall.dataset[name]));
      this.wall = wall;
      this.more = document.createElement("button");
      this.more.type = "button";
      this.more.textContent = "Show more";
      this.more.addEventListener("click", () => this.draw());
      wall.after(this.more);
      this.near = new IntersectionObserver(([seen]) => seen.isIntersecting && this.draw(), { rootMargin: "50%" });
      this.all = Array.from({ length: this.count }, (_, card) => card);
      this.show(this.all);
    }
    // Draws these cards instead of those that are shown, one window after the other.
    show(cards) {
      this.cards = cards;
      this.drawn = 0;
      this.wall.replaceChildren();
      return this.draw();
    }
    async draw() {
      const { cards, drawn } = this;
      const next = cards.slice(drawn, drawn + this.each);
      this.drawn += next.length;
      this.more.hidden = this.drawn >= cards.length;
      this.near.disconnect();
      const parts = new Map();
      const html = next.map(async (card) => {
        const place = this.first + card;
        const part = Math.floor(place / this.each);
        if (!parts.has(part)) parts.set(part, unpack(part));
        return (await parts.get(part))[place % this.each];
      });
      const text = (await Promise.all(html)).join("");
      if (this.cards !== cards) return;
      this.wall.insertAdjacentHTML("beforeend", text);
      this.near.observe(this.more);
    }
    // Reads all cards: their words and their tags.
    async read() {
      const read = [];
      for (let card = 0; card < this.count; ) {
        const place = this.first + card;
        const part = await unpack(Math.floor(place / this.each));
        for (const html of part.slice(place % this.each).slice(0, this.count - card)) {
          const tags = /data-tags="([^"]*)"/.exec(html)[1].split(" ");
          read.push({ tags, text: html.replace(/<[^>]*>/g, " ").toLowerCase() });
          card += 1;
        }
      }
      return read;
    }
  }
  const walls = [...document.querySelectorAll("[data-first]")].map((wall) => new Wall(wall));

  const form = document.getElementById("search");
  const items = [...document.querySelectorAll("[data-tags]")];
  const tags = items.map((item) => item.dataset.tags.split(" "));
  if (form && (items.length > 0 || walls.length > 0)) {
    const find = document.getElementById("find");
    const kind = document.getElementById("kind");
    const found = document.getElementById("found");
    const nothing = document.getElementById("nothing");
    const kinds = new Set(tags.flat());
    for (const option of [...kind.options]) {
      if (walls.length === 0 && option.value && !kinds.has(option.value)) option.remove();
    }
    // A large page is read only when somebody searches it.
    let words;
    let turn = 0;
    const filter = async () => {
      const mine = ++turn;
      const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const all = !kind.value && wanted.length === 0;
      const read = () => [
        items.map((item, index) => ({ text: item.textContent.toLowerCase(), tags: tags[index] })),
        ...walls.map((wall) => wall.read()),
      ];
      if (!all) words ??= Promise.all(read());
      const [ofItems, ...ofWalls] = all ? [] : await words;
      if (mine !== turn) return;
      const fits = ({ text, tags }) =>
        wanted.every((word) => text.includes(word)) && (!kind.value || tags.includes(kind.value));
      let shown = 0;
      items.forEach((item, index) => {
        item.hidden = !(all || fits(ofItems[index]));
        if (item.hidden) return;
        shown += 1;
        const fold = item.parentElement.closest("details");
        if (fold && !all) fold.open = true;
      });
      let total = items.length;
      for (const [index, wall] of walls.entries()) {
        total += wall.count;
        const cards = wall.all.filter((card) => all || fits(ofWalls[index][card]));
        shown += cards.length;
        if (cards.length !== wall.cards.length || !all) await wall.show(cards);
      }
      found.textContent = all ? "" : `${shown} of ${total} shown`;
      nothing.hidden = shown > 0;
      document.body.classList.toggle("filtered", !all);
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    find.addEventListener("input", filter);
    kind.addEventListener("change", filter);
    document.getElementById("all").addEventListener("click", () => {
      find.value = kind.value = "";
      filter();
      find.focus();
    });
    filter();
  }
}
