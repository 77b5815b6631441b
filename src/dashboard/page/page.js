// Fetches the page again when the daemon signals a change, and replaces the parts that differ.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const announce = document.getElementById("announce");
  let busy = false;
  let again = false;

  // Returns the digest of what the form of a decision is about.
  function shown(details) {
    const plan = details.querySelector("input[name=plan]");
    return plan ? plan.value : "";
  }

  // Replaces a part, and keeps what the reader has open, has typed and has focused.
  function replace(part, fresh) {
    const open = new Map([...part.querySelectorAll("details[open][id]")].map((one) => [one.id, shown(one)]));
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const href = focused && focused.getAttribute("href");
    const id = focused && focused.id;
    const typed = new Map([...part.querySelectorAll("input[id], select[id]")].map((one) => [one.id, one.value]));
    part.replaceChildren(...fresh.childNodes);
    for (const one of part.querySelectorAll("input[id], select[id]")) {
      if (typed.has(one.id)) one.value = typed.get(one.id);
    }
    for (const one of part.querySelectorAll("details[id]")) {
      // A decision is for what was shown when the form was opened, and for nothing else.
      if (open.has(one.id) && open.get(one.id) === shown(one)) one.open = true;
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

  // Searches while one types. The address changes with it, so that what is shown can be kept as a bookmark.
  const search = document.querySelector("form.search");
  if (search) {
    let typing = 0;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        const given = [...new FormData(search)].filter(([, value]) => value !== "");
        const query = new URLSearchParams(given).toString();
        history.replaceState(null, "", query ? `/?${query}` : "/");
        refresh();
      }, 200);
    });
  }

  if (!stream || !("EventSource" in window)) return;
  let events = null;
  const gone = document.getElementById("gone");
  // When the daemon last gave a sign of life; it does so every two seconds.
  let heard = Date.now();
  const silence = 7000;

  function alive() {
    heard = Date.now();
    gone.hidden = true;
    document.body.classList.remove("stale");
  }

  function look() {
    if (document.hidden || !events || Date.now() - heard < silence) return;
    if (gone.hidden) gone.querySelector("span").textContent = new Date(heard).toLocaleTimeString();
    gone.hidden = false;
    document.body.classList.add("stale");
  }
  // The version that the page shows; changes between its creation and the first event are fetched at once.
  let seen = stream.dataset.version;

  function show(word, kind) {
    stream.hidden = false;
    stream.textContent = word;
    stream.className = kind;
  }

  function listen() {
    if (events) return;
    heard = Date.now();
    events = new EventSource("/events");
    events.addEventListener("version", (event) => {
      alive();
      show("live", "on");
      if (seen !== event.data) refresh();
      seen = event.data;
    });
    events.addEventListener("sign", alive);
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
  setInterval(look, 1000);
  // Relative times change by themselves.
  setInterval(() => {
    if (!document.hidden) refresh();
  }, 60000);
})();
