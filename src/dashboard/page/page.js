// Fetches the page again when the daemon signals a change, and replaces the parts that differ.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const announce = document.getElementById("announce");
  let busy = false;
  let again = false;

  // Replaces a part, and keeps what the reader has open, has typed and has focused.
  function replace(part, fresh) {
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((one) => one.id));
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const href = focused && focused.getAttribute("href");
    const id = focused && focused.id;
    const typed = new Map([...part.querySelectorAll("input[id], select[id]")].map((one) => [one.id, one.value]));
    part.replaceChildren(...fresh.childNodes);
    for (const one of part.querySelectorAll("input[id], select[id]")) {
      if (typed.has(one.id)) one.value = typed.get(one.id);
    }
    for (const one of part.querySelectorAll("details[id]")) {
      if (open.has(one.id)) one.open = true;
    }
    const back = id ? document.getElementById(id) : href && part.querySelector(`[href="${CSS.escape(href)}"]`);
    if (back) back.focus({ preventScroll: true });
  }

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        location.assign(answer.url);
        return;
      }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
      }
      const counts = page.getElementById("announce").dataset.counts;
      if (counts !== announce.dataset.counts) {
        announce.dataset.counts = counts;
        announce.textContent = counts;
      }
    } catch {
      // The daemon does not respond; the stream shows that, and reconnects by itself.
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  }

  if (!stream || !("EventSource" in window)) return;
  let events = null;
  // The version that the page shows; changes between its creation and the first event are fetched at once.
  let seen = stream.dataset.version;

  function show(word, kind) {
    stream.hidden = false;
    stream.textContent = word;
    stream.className = kind;
  }

  function listen() {
    if (events) return;
    events = new EventSource("/events");
    events.addEventListener("version", (event) => {
      show("live", "on");
      if (seen !== event.data) refresh();
      seen = event.data;
    });
    events.addEventListener("error", () => {
      show(events && events.readyState === EventSource.CLOSED ? "not live" : "connecting", "off");
    });
  }

  function rest() {
    if (events) events.close();
    events = null;
  }

  // A browser has six connections to a server for all its pages, including those in the back/forward cache.
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  if (!document.hidden) listen();
  // Relative times change by themselves.
  setInterval(() => {
    if (!document.hidden) refresh();
  }, 60000);
})();
