"use strict";

// Puts the charts into their places, lets the keyboard move through them, and makes the page ready for print.
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const runs = { now: report.scenarios, before: report.compared ?? [] };
  const places = [...document.querySelectorAll(".chart")];
  const charts = new Map();

  const timelineOf = (scenario, run) => runs[run].find((each) => each.scenario === scenario)?.timeline ?? [];
  const wait = (value) => (value === null ? "-" : value < 100 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(2)} s`);

  // Both runs of a scenario have the same scale: side by side they can be compared by eye.
  function mostOf(scenario, kind) {
    const seconds = [...timelineOf(scenario, "now"), ...timelineOf(scenario, "before")];
    return Math.max(...seconds.map((second) => (kind === "requests" ? second.requests : second.longest_ms ?? 0)));
  }

  function told(second, kind) {
    const parts = kind === "requests"
      ? Charts.KINDS.filter(([name]) => second.kinds[name]).map(([name, word]) => `${second.kinds[name]} ${word}`)
      : [...Charts.WAITS].reverse().map(([name, word]) => `${word} ${wait(second[name])}`);
    const before = kind === "requests" ? `${second.requests} requests` : "";
    return `Second ${second.second}: ${[before, parts.join(", ")].filter(Boolean).join(", ")}`;
  }

  function draw(place) {
    const { scenario, run, chart: kind } = place.dataset;
    const timeline = timelineOf(scenario, run);
    const readout = document.getElementById(`${place.id}-readout`);
    const selected = (at) => {
      if (at === null) return;
      const text = told(timeline[at], kind);
      readout.textContent = text;
      place.setAttribute("aria-valuenow", timeline[at].second);
      place.setAttribute("aria-valuetext", text);
    };
    charts.get(place)?.destroy();
    const marks = JSON.parse(place.dataset.marks);
    charts.set(place, Charts.draw(place, { timeline, kind, marks, most: mostOf(scenario, kind), together: scenario, selected }));
  }

  // A slider is what assistive technology knows for moving through values by arrow keys and hearing each.
  function makeSlider(place) {
    const timeline = timelineOf(place.dataset.scenario, place.dataset.run);
    const [first, last] = [timeline[0].second, timeline[timeline.length - 1].second];
    const start = Math.max(first, Math.min(0, last));
    const attributes = {
      role: "slider", tabindex: 0, "aria-orientation": "horizontal", "aria-roledescription": "chart",
      "aria-valuemin": first, "aria-valuemax": last, "aria-valuenow": start,
      "aria-valuetext": told(timeline[start - first] ?? timeline[0], place.dataset.chart),
    };
    for (const [name, value] of Object.entries(attributes)) place.setAttribute(name, value);
    place.addEventListener("keydown", (event) => {
      const now = timeline.findIndex((second) => second.second === Number(place.getAttribute("aria-valuenow")));
      const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5, Home: -timeline.length, End: timeline.length };
      if (!(event.key in steps)) return;
      event.preventDefault();
      select(place, Math.max(0, Math.min(timeline.length - 1, now + steps[event.key])));
    });
  }

  function select(place, at) {
    const chart = charts.get(place);
    const { second } = timelineOf(place.dataset.scenario, place.dataset.run)[at];
    chart.setCursor({ left: chart.valToPos(second + 0.5, "x"), top: chart.over.clientHeight / 2 }, true, true);
  }

  const drawAll = () => places.forEach(draw);

  function beginPrint() {
    if (document.documentElement.classList.contains("printing")) return;
    document.documentElement.classList.add("printing");
    for (const each of document.querySelectorAll("details:not([open])")) {
      each.dataset.closed = "";
      each.open = true;
    }
    drawAll();
  }

  function endPrint() {
    document.documentElement.classList.remove("printing");
    for (const each of document.querySelectorAll("details[data-closed]")) {
      delete each.dataset.closed;
      each.open = false;
    }
    drawAll();
  }

  places.forEach(makeSlider);
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", beginPrint);
  addEventListener("afterprint", endPrint);
  matchMedia("print").addEventListener("change", (event) => (event.matches ? beginPrint() : endPrint()));

  const widths = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.get(target);
      const width = Math.max(target.clientWidth, 200);
      if (chart && chart.width !== width && !document.documentElement.classList.contains("printing")) {
        chart.setSize({ width, height: chart.height });
      }
    }
  });
  places.forEach((place) => widths.observe(place));
})();
