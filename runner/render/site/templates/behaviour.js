"use strict";
// Everything here makes a page handier; without it, every page can still be read. Text is only ever set as text.
(function () {
  const make = (name, text, kind) => {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (kind) node.className = kind;
    return node;
  };

  for (const code of document.querySelectorAll("[data-copy]")) {
    const button = make("button", "Copy", "copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      const text = document.getElementById(code.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(document.getElementById(code.dataset.copy));
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
    code.append(button);
  }

  for (const graph of document.querySelectorAll(".graph")) {
    const choose = (name) => {
      graph.classList.toggle("chosen", name !== null);
      const near = new Set([name]);
      for (const curve of graph.querySelectorAll(".curve")) {
        const own = curve.dataset.from === name || curve.dataset.to === name;
        curve.classList.toggle("near", own);
        if (own) near.add(curve.dataset.from).add(curve.dataset.to);
      }
      for (const box of graph.querySelectorAll(".box")) box.classList.toggle("near", near.has(box.dataset.name));
    };
    for (const box of graph.querySelectorAll(".box")) {
      for (const event of ["mouseenter", "focus"]) box.addEventListener(event, () => choose(box.dataset.name));
      for (const event of ["mouseleave", "blur"]) box.addEventListener(event, () => choose(null));
    }
  }

  const input = document.getElementById("search");
  if (!input) return;
  const index = JSON.parse(document.getElementById("index").textContent);
  const list = document.getElementById("hits");
  const rest = document.getElementById("all");
  const told = document.getElementById("told");
  const wordsOf = (text) => text.toLowerCase().match(/[a-z]{2,8}-\d+|[\p{L}\p{N}]+/gu) || [];
  // MON-005, MON_005 and mon5 are one id.
  const idsOf = (text) => [...text.toLowerCase().matchAll(/(?<![a-z0-9])([a-z]{2,8})[-_ ]?(\d{1,6})(?![a-z0-9])/g)]
    .map(([, prefix, number]) => `${prefix}-${String(Number(number)).padStart(3, "0")}`);
  const empty = new Set("a an and are as at be by can for from has have in is it no not of on or that the to was with".split(" "));
  for (const item of index) for (const passage of item.texts) passage.push(wordsOf(passage[1]));

  const alike = (wanted, word) =>
    word === wanted ? 1 : word.startsWith(wanted) && wanted.length > 1 ? 0.8
      : wanted.length > 5 && word.length > 4 && wanted.startsWith(word) ? 0.8 : 0;

  const hit = (item, wanted, named) => {
    const best = new Map();
    let shown = null, most = 0;
    for (const [where, text, weight, words] of item.texts) {
      let sum = 0;
      for (const word of wanted) {
        const like = weight * Math.max(0, ...words.map((other) => alike(word, other)));
        sum += like;
        if (like > (best.get(word) || 0)) best.set(word, like);
      }
      if (sum > most) { most = sum; shown = [where, text]; }
    }
    // What an alert leads to comes before the alert itself, as with `runbook find`.
    const exact = item.names.some((name) => named.has(name.toLowerCase())) ? 2000 : named.has(item.id.toLowerCase()) ? 1000 : 0;
    const enough = wanted.length > 5 ? best.size > 1 : best.size * 2 >= wanted.length;
    const score = exact + most / 2 + [...best.values()].reduce((a, b) => a + b, 0);
    return exact || (best.size && enough) ? { item, shown, score } : null;
  };

  const marked = (text, wanted) => {
    const line = make("span");
    for (const piece of text.split(/([\p{L}\p{N}-]+)/u)) {
      const own = wanted.some((word) => alike(word, piece.toLowerCase()));
      line.append(own ? make("mark", piece) : piece);
    }
    return line;
  };

  const search = () => {
    const wanted = [...new Set(wordsOf(input.value))].filter((word) => word.length > 1 && !empty.has(word)).slice(0, 40);
    const named = new Set([...wanted, ...idsOf(input.value)]);
    list.replaceChildren();
    rest.hidden = wanted.length > 0;
    told.textContent = "";
    if (!wanted.length) return;
    const hits = index.map((item) => hit(item, wanted, named)).filter(Boolean).sort((a, b) => b.score - a.score).slice(0, 20);
    told.textContent = hits.length ? `${hits.length} found` : "Nothing is about that. Try fewer or other words.";
    for (const { item, shown } of hits) {
      const link = make("a", undefined, "card");
      link.href = item.url;
      link.append(make("span", item.id, "id"), " ", make("strong", item.title));
      if (shown) {
        const line = make("p", `${shown[0]}: `);
        line.append(marked(shown[1], wanted));
        link.append(line);
      }
      const entry = make("li");
      entry.append(link);
      list.append(entry);
    }
  };

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; search(); }
    if (event.key === "Enter" || event.key === "ArrowDown") {
      const first = list.querySelector("a");
      if (first) { event.preventDefault(); if (event.key === "Enter") first.click(); else first.focus(); }
    }
  });
  list.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = links[links.indexOf(document.activeElement) + step];
    (next || input).focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
    }
  });
  const plain = (text) => {
    try { return decodeURIComponent(text); } catch { return text; }
  };
  const asked = new URLSearchParams(location.search).get("q") || plain(location.hash.startsWith("#q=") ? location.hash.slice(3) : "");
  if (asked) { input.value = asked; search(); }
})();
