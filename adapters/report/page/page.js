"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const rows = data.rows, words = data.words;
  // Places in a row, as the server writes them.
  const ARTIST = 1, ALBUM = 2, EDITION = 3, YEAR = 4, BARCODE = 5, STYLE = 6, DECADE = 7,
    LOW = 8, MEDIAN = 9, HIGH = 10, MEAN = 11, LAST = 12, AGO = 13, STOCK = 14, ORDER = 15, PRICE = 16, SERIES = 17;
  const PRINTED = 1000;
  const whole = new Intl.NumberFormat(words.lang, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(words.lang, { maximumFractionDigits: 1 });
  const few = (x) => (Math.abs(x) < 9.95 ? tenth : whole).format(x);
  const sum = (r) => (r[ORDER] === null || r[PRICE] === null ? null : r[ORDER] * r[PRICE]);
  const fill = (text, ...values) => values.reduce((t, v) => t.replace("%s", () => v), text);
  const body = $("all").tBodies[0];
  const heads = [...$("all").tHead.rows[0].cells];

  let shown = rows, page = 0, texts = null;
  let sort = rows.some((r) => r[ORDER] > 0) ? { key: "15", down: true } : { key: "11", down: true };

  const element = (name, className, text) => {
    const e = document.createElement(name);
    if (className) e.className = className;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const number = (className, x, write) => element("td", "n " + className, x === null ? "" : write(x));

  function record(r) {
    const td = element("td", "record");
    const artist = element("b");
    artist.append(element("bdi", "", r[ARTIST]));
    const style = data.styles[r[STYLE]];
    const small = [style, r[EDITION], r[YEAR] || ""].filter(Boolean).join(" · ");
    td.append(artist, " ", element("bdi", "album", r[ALBUM]), element("small", "", small));
    return td;
  }

  // The last months as a line, then the forecast: a bar from 5 to 95 %, a dot at the median.
  function spark(r) {
    const values = r[SERIES] ? r[SERIES].split(",").map(Number) : [];
    const top = Math.max(1, r[HIGH], ...values), width = 104, height = 26;
    const x = (i) => 2 + (i * (width - 12)) / Math.max(values.length - 1, 1), y = (v) => height - 3 - (v * (height - 6)) / top;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const add = (name, className, attributes) => {
      const e = document.createElementNS(svg.namespaceURI, name);
      e.setAttribute("class", className);
      for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
      svg.append(e);
    };
    svg.setAttribute("class", "sv");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-hidden", "true");
    svg.style.width = width + "px";
    add("polyline", "sv-line", { points: values.map((v, i) => x(i).toFixed(1) + "," + y(v).toFixed(1)).join(" ") });
    add("line", "sv-bline", { x1: width - 4, x2: width - 4, y1: y(r[LOW]), y2: y(r[HIGH]) });
    add("circle", "sv-blue", { cx: width - 4, cy: y(r[MEDIAN]), r: 2.8 });
    const td = element("td", "trend");
    td.append(svg);
    return td;
  }

  function line(r) {
    const tr = element("tr");
    tr.append(record(r), spark(r), number("opt", r[AGO], whole.format), number("", r[LAST], whole.format), number("", r[MEAN], few),
      element("td", "n opt", few(r[LOW]) + "–" + few(r[HIGH])), number("", r[STOCK], whole.format),
      number(r[ORDER] > 0 ? "want" : "zero", r[ORDER], whole.format), number("opt", sum(r) || null, whole.format));
    heads.forEach((th, i) => { if (th.dataset.label) tr.cells[i].dataset.name = th.dataset.label; }); // for telephones
    return tr;
  }

  function draw(from, to) {
    const part = document.createDocumentFragment();
    for (const r of shown.slice(from, to)) part.append(line(r));
    if (!shown.length) {
      const td = element("td", "", words.none);
      td.colSpan = heads.length;
      part.append(element("tr"));
      part.firstChild.append(td);
    }
    body.replaceChildren(part);
  }

  function show() {
    const size = Number($("size").value), pages = Math.max(1, Math.ceil(shown.length / size));
    page = Math.min(Math.max(page, 0), pages - 1);
    const from = page * size, to = Math.min(from + size, shown.length);
    draw(from, to);
    $("where").textContent = fill(words.of, whole.format(shown.length ? from + 1 : 0), whole.format(to), whole.format(shown.length));
    $("prev").disabled = page === 0;
    $("next").disabled = page === pages - 1;
    for (const th of heads) {
      if (th.dataset.sort === sort.key) th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
  }

  const order = new Intl.Collator(words.lang, { numeric: true, sensitivity: "base" });

  function arrange() {
    const { key, down } = sort, sign = down ? -1 : 1;
    const value = key === "sum" ? sum : (r) => r[key];
    shown.sort((a, b) => {
      const x = value(a), y = value(b);
      if (key === "1") return sign * (order.compare(x, y) || order.compare(a[ALBUM], b[ALBUM]));
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (x - y) || b[MEAN] - a[MEAN];
    });
  }

  const fold = (s) => s.toLocaleLowerCase().replaceAll("ё", "е");

  function choose() {
    const wanted = fold($("search").value).split(/\s+/).filter(Boolean);
    const style = $("style").value ? data.styles.indexOf($("style").value) : -1;
    const decade = $("decade").value ? data.decades.indexOf($("decade").value) : -1;
    const only = $("only").checked;
    if (wanted.length && !texts) {
      texts = new Map(rows.map((r) => [r, fold([r[ARTIST], r[ALBUM], r[EDITION], r[YEAR], r[BARCODE], data.styles[r[STYLE]]].join(" "))]));
    }
    shown = rows.filter((r) =>
      (style < 0 || r[STYLE] === style) && (decade < 0 || r[DECADE] === decade) && (!only || r[ORDER] > 0) &&
      wanted.every((w) => texts.get(r).includes(w)));
    page = 0;
    arrange();
    show();
  }

  for (const th of heads) {
    if (!th.dataset.sort) continue;
    th.firstElementChild.addEventListener("click", () => {
      const key = th.dataset.sort;
      sort = { key, down: sort.key === key ? !sort.down : key !== "1" };
      page = 0;
      arrange();
      show();
    });
  }
  for (const id of ["search", "style", "decade", "only"]) $(id).addEventListener("input", choose);
  $("size").addEventListener("input", () => { page = 0; show(); });
  $("prev").addEventListener("click", () => { page--; show(); });
  $("next").addEventListener("click", () => { page++; show(); });
  addEventListener("beforeprint", () => {
    draw(0, PRINTED);
    $("printed").textContent = shown.length > PRINTED ? fill(words.print, whole.format(PRINTED), whole.format(shown.length)) : "";
  });
  addEventListener("afterprint", () => { $("printed").textContent = ""; show(); });

  for (const id of ["tools", "all", "pager"]) $(id).hidden = false;
  choose();
})();
