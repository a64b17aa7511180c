"use strict";
// Tables are sorted by their headings and filtered by a word; charts are drawn in the page's own colours.
(() => {
  const number = (cell) => (cell.dataset.v === undefined ? NaN : Number(cell.dataset.v));
  const compare = (k, up) => (a, b) => {
    const x = a.cells[k], y = b.cells[k], m = number(x), n = number(y);
    if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1; // what is not known stands last
    const order = Number.isNaN(m) ? x.textContent.localeCompare(y.textContent, document.documentElement.lang) : m - n;
    return up ? order : -order;
  };
  for (const table of document.querySelectorAll("table[data-sort]")) {
    const body = table.tBodies[0], headings = [...table.tHead.rows[0].cells];
    headings.forEach((th, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = th.textContent;
      button.title = table.dataset.sort.replace("{heading}", th.textContent);
      th.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") ? th.getAttribute("aria-sort") === "descending" : !th.classList.contains("n");
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        body.append(...[...body.rows].sort(compare(k, up)));
      });
    });
    if (table.dataset.filter) {
      const label = document.createElement("label"), input = document.createElement("input");
      label.className = "filter";
      input.type = "search";
      label.append(table.dataset.filter, input);
      table.parentElement.before(label);
      input.addEventListener("input", () => {
        const word = input.value.trim().toLowerCase();
        for (const row of body.rows) row.hidden = word !== "" && !row.textContent.toLowerCase().includes(word);
      });
    }
  }

  const packed = document.getElementById("page-plotly"), charts = [...document.querySelectorAll("[data-chart]")];
  if (!packed) return;
  const figures = JSON.parse(document.getElementById("page-figures").textContent);
  const style = getComputedStyle(document.documentElement);
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v)]));
    return value;
  };
  const colours = ["color", "fgcolor", "colorscale"];
  const themed = (value, key = "") => {
    if (colours.includes(key)) return coloured(value);
    if (Array.isArray(value)) return value.length && typeof value[0] === "object" ? value.map((v) => themed(v)) : value;
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, k)]));
    return value;
  };
  const draw = (width) => {
    const ink = coloured("--ink"), edge = coloured("--edge"), page = coloured("--page"), panel = coloured("--panel");
    const drawn = charts.map((place) => {
      const { data, layout, height } = figures[place.dataset.chart];
      const wide = width || place.clientWidth, own = themed(layout);
      const axis = { gridcolor: edge, linecolor: edge, zerolinecolor: coloured("--quiet"), tickcolor: edge, exponentformat: "none", separatethousands: true };
      return window.Plotly.react(place, themed(data), {
        ...own, width: wide, height, paper_bgcolor: page, plot_bgcolor: page,
        font: { color: ink, size: wide < 500 ? 11 : 13, family: getComputedStyle(document.body).fontFamily },
        margin: { l: 8, r: 12, t: 34, b: 40, pad: 4 }, dragmode: false,
        legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal", bgcolor: "rgba(0,0,0,0)" },
        hoverlabel: { bgcolor: panel, bordercolor: edge, font: { color: ink }, align: "left" },
        xaxis: { ...axis, ...own.xaxis }, yaxis: { ...axis, ...own.yaxis },
      }, { displayModeBar: false, staticPlot: false, scrollZoom: false });
    });
    return Promise.all(drawn).then(() => { document.documentElement.dataset.drawn = String(charts.length); });
  };
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(packed.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    packed.remove();
    if (!window.Plotly) throw new Error("Plotly did not start");
  };
  unpack().then(() => draw()).then(() => {
    let width = window.innerWidth, wait = 0;
    window.addEventListener("resize", () => {
      if (window.innerWidth === width || document.documentElement.classList.contains("printing")) return;
      width = window.innerWidth;
      clearTimeout(wait);
      wait = setTimeout(() => draw(), 150);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    const paper = (on) => {
      document.documentElement.classList.toggle("printing", on);
      draw(on ? 700 : 0);
    };
    window.addEventListener("beforeprint", () => paper(true));
    window.addEventListener("afterprint", () => paper(false));
  }).catch((error) => {
    for (const place of charts) {
      place.classList.add("undrawn");
      place.removeAttribute("role");
      place.textContent = document.getElementById("page-no-charts").textContent;
    }
    document.documentElement.dataset.failed = String(error);
  });
})();
