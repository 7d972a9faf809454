/* Draws the book's figures. Each is a .flowexec-figure holding its Plotly JSON; Plotly is fetched once, and only by
   pages that have a figure. Colours are swapped for their dark partners (window.flowexecDark) when the page is dark,
   narrow screens get a narrower layout, and the browser's own controls, which keyboards and screen readers reach, take the
   place of Plotly's drop-downs and sliders. */
(() => {
  "use strict";
  const NARROW = 560;
  const here = document.currentScript ? document.currentScript.src : "";
  const root = document.documentElement;

  const isDark = () =>
    root.dataset.theme
      ? root.dataset.theme === "dark"
      : window.matchMedia("(prefers-color-scheme: dark)").matches;

  /* "#rrggbb" → dark "#rrggbb", and "r,g,b" → dark "r,g,b" for rgba(…) */
  const partners = new Map();
  const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(",");
  for (const [light, dark] of Object.entries(window.flowexecDark || {})) {
    partners.set(light, dark);
    partners.set(channels(light), channels(dark));
  }
  const recolourText = (text) =>
    text
      .replace(/#[0-9a-f]{6}\b/gi, (hex) => partners.get(hex.toLowerCase()) || hex)
      .replace(/(rgba?\()\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)/g, (all, head, r, g, b) => {
        const found = partners.get(`${r},${g},${b}`);
        return found ? head + found : all;
      });
  const recolour = (value, key) => {
    if (typeof value === "string") return key === "bdata" ? value : recolourText(value);
    if (Array.isArray(value)) return value.every((v) => typeof v === "number") ? value : value.map((v) => recolour(v));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recolour(v, k)]));
    return value;
  };

  const merge = (into, from) => {
    for (const [key, value] of Object.entries(from))
      if (value && typeof value === "object" && !Array.isArray(value))
        into[key] = merge(into[key] && typeof into[key] === "object" ? into[key] : {}, value);
      else into[key] = value;
    return into;
  };

  /* What a phone needs: smaller type, the legend below, fewer ticks, and room for the data. */
  const narrow = (layout, data, width) => {
    const shown = data.filter((t) => t.showlegend !== false && t.name).length;
    const legendRows = layout.showlegend === false || shown < 2 ? 0 : Math.ceil(shown / 2);
    merge(layout, { font: { size: 12 }, margin: { l: 8, r: 8, t: layout.title && layout.title.text ? 36 : 16, b: 8 } });
    for (const key of Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k)).concat("xaxis", "yaxis")) {
      const axis = (layout[key] = layout[key] || {});
      merge(axis, { automargin: true, tickfont: { size: 11 }, title: { font: { size: 12 }, standoff: 6 } });
      if (!axis.tickvals && key[0] === "x" && axis.nticks === undefined) axis.nticks = 6;
    }
    for (const note of layout.annotations || [])
      merge(note, { font: { size: Math.min((note.font && note.font.size) || 12, 12) } });
    if (legendRows)
      merge(layout, {
        legend: { orientation: "h", x: 0, xref: "container", xanchor: "left", y: 0, yref: "container", yanchor: "bottom",
                  font: { size: 11 } },
      });
    layout.height = Math.min(layout.height || 420, Math.max(320, Math.round(width * 0.9))) + 18 * legendRows;
    if (layout.meta && layout.meta.narrow) merge(layout, layout.meta.narrow);
  };

  const drawn = new WeakMap();
  const chosen = new WeakMap(); // figure → { name of a control: position of its option }

  const child = (parent, tag, className) => {
    const made = Object.assign(document.createElement(tag), { className });
    parent.append(made);
    return made;
  };

  /* Take Plotly's controls out of the layout and have the figure show what the reader chose; returns the controls, each
     { name, slider, labels, at }. A drop-down's option may bring the slider of its own views along. */
  const settle = (box, figure) => {
    const choices = chosen.get(box) || {};
    const { updatemenus = [], sliders = [] } = figure.layout;
    delete figure.layout.updatemenus;
    delete figure.layout.sliders;
    const found = [];
    const choose = (control, options, slider) => {
      const at = Math.min(choices[control.name] ?? control.active ?? 0, options.length - 1);
      found.push({ name: control.name, slider, labels: options.map((option) => option.label), at });
      const [traces, { sliders: own, ...changes }] = options[at].args;
      traces.visible.forEach((shown, i) => (figure.data[i].visible = shown));
      for (const [path, value] of Object.entries(changes)) {
        const keys = path.split("."), last = keys.pop();
        keys.reduce((layout, key) => (layout[key] = layout[key] || {}), figure.layout)[last] = value;
      }
      return own;
    };
    let last = sliders;
    for (const menu of updatemenus) last = choose(menu, menu.buttons, false) || last;
    for (const slider of last) choose(slider, slider.steps, true);
    return found;
  };

  /* A labelled <select> or <input type=range> for each control, made once and then kept up to date. */
  const show = (box, controls) => {
    let bar = box.querySelector(".flowexec-controls");
    if (!bar) {
      bar = document.createElement("div");
      bar.className = "flowexec-controls";
      box.prepend(bar);
      box.setAttribute("role", "group");
      for (const { name, slider, labels } of controls) {
        const label = child(bar, "label", slider ? "flowexec-slider" : "flowexec-menu");
        child(label, "span", "").textContent = name;
        const input = child(label, slider ? "input" : "select", "");
        if (slider) Object.assign(input, { type: "range", min: 0, step: 1 }), child(label, "output", "");
        else for (const text of labels) child(input, "option", "").textContent = text;
        input.addEventListener("input", () => {
          chosen.set(box, { ...chosen.get(box), [name]: slider ? Number(input.value) : input.selectedIndex });
          drawn.delete(box);
          draw(box);
        });
      }
    }
    controls.forEach(({ slider, labels, at }, i) => {
      const label = bar.children[i], input = label.children[1];
      if (!slider) return void (input.selectedIndex = at);
      input.max = labels.length - 1;
      input.value = at;
      input.setAttribute("aria-valuetext", labels[at]);
      label.children[2].textContent = labels[at];
    });
    return bar.offsetHeight;
  };

  const draw = (box, dark = isDark()) => {
    const width = box.clientWidth;
    if (!width || !window.Plotly) return;
    const slim = width < NARROW;
    const look = `${dark}|${slim}`;
    if (drawn.get(box) === look) return;
    drawn.set(box, look);
    let figure = JSON.parse(box.querySelector("script").textContent);
    if (dark) figure = recolour(figure);
    if (slim) narrow(figure.layout, figure.data, width);
    const controls = settle(box, figure);
    const above = controls.length ? show(box, controls) : 0;
    const plot = box.querySelector(".flowexec-plot") || child(box, "div", "flowexec-plot");
    if (controls.length) {
      plot.setAttribute("role", "img"); // instead of the whole figure, whose controls a screen reader must find
      plot.setAttribute("aria-label", figure.layout.meta.alt);
    }
    const height = figure.layout.height || 420;
    plot.style.height = `${height}px`;
    box.style.minHeight = `${height + above}px`;
    figure.layout.autosize = true;
    delete figure.layout.width;
    window.Plotly.react(plot, figure.data, figure.layout, figure.config);
  };

  const loadPlotly = () =>
    new Promise((resolve, reject) => {
      if (window.Plotly) return resolve();
      const script = document.createElement("script");
      script.src = new URL("plotly.min.js", here).href;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`cannot load ${script.src}`));
      document.head.append(script);
    });

  const start = async () => {
    const boxes = [...document.querySelectorAll(".flowexec-figure")];
    if (!boxes.length) return;
    /* both weights, because labels are placed by their measured width */
    const fonts = ["14px 'Book Sans'", "600 14px 'Book Sans'"].map((font) => document.fonts.load(font).catch(() => {}));
    await Promise.all([loadPlotly(), ...fonts]);
    const sizes = new ResizeObserver((entries) => entries.forEach((entry) => draw(entry.target)));
    boxes.forEach((box) => sizes.observe(box)); // also fires when a closed solution is opened
    const redraw = () => boxes.forEach((box) => draw(box));
    new MutationObserver(redraw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    window.addEventListener("beforeprint", () => boxes.forEach((box) => draw(box, false)));
    window.addEventListener("afterprint", redraw);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
