"use strict";

// Draws the charts of one page with uPlot. Everything here is a function of a timeline and of the style sheet's colours.
const Charts = (() => {
  const KINDS = [
    ["as_before", "as before", "--as-before"],
    ["fallback", "by the fallback", "--fallback"],
    ["let_in", "let in", "--let-in"],
    ["failed", "failed", "--failed"],
    ["none", "no answer", "--none"],
  ];
  const WAITS = [
    ["p50_ms", "half", "--p50", 1.5, []],
    ["p95_ms", "95 of 100", "--p95", 2.5, [2, 3]],
    ["p99_ms", "99 of 100", "--p99", 2.5, [8, 4]],
    ["longest_ms", "longest", "--longest", 2.5, []],
  ];
  const HEIGHT = 240;
  // More columns than these are too thin for a line between them.
  const MOST_APART = 150;
  // Three rows above the plot: labels of marks that are close together stand one below the other.
  const ROW = 16;
  const SHORTEST_MS = 1;
  const MARKS = ["fault", "restored", "recovered"];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = (size) => `${size}px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif`;

  // A tile of stripes: kinds can be told apart without seeing colours.
  function pattern(kind, name) {
    const tile = document.createElement("canvas");
    const size = 8 * devicePixelRatio;
    tile.width = tile.height = size;
    const ink = tile.getContext("2d");
    ink.fillStyle = colour(name);
    ink.fillRect(0, 0, size, size);
    ink.strokeStyle = colour("--on-kind");
    ink.lineWidth = 1.5 * devicePixelRatio;
    const stroke = (...points) => {
      ink.beginPath();
      for (const [x, y] of points) ink.lineTo(x * size, y * size);
      ink.stroke();
    };
    if (kind === "fallback" || kind === "failed") {
      for (const shift of [-1, 0, 1]) stroke([shift, 1], [shift + 1, 0]);
    }
    if (kind === "failed") for (const shift of [-1, 0, 1]) stroke([shift, 0], [shift + 1, 1]);
    if (kind === "let_in") stroke([0, 0.5], [1, 0.5]);
    if (kind === "none") stroke([0.5, 0], [0.5, 1]);
    return ink.createPattern(tile, "repeat");
  }

  // Sums from the bottom up, the topmost first: each one is drawn over the one before it.
  function stacked(timeline) {
    const sums = timeline.map(() => 0);
    const layers = KINDS.map(([kind]) => timeline.map((second, at) => (sums[at] += second.kinds[kind] ?? 0)));
    return layers.reverse();
  }

  function requests(timeline, most) {
    const bars = uPlot.paths.bars({ size: [1, Infinity], align: 1 });
    const series = [...KINDS].reverse().map(([kind, label, name]) => {
      const fill = pattern(kind, name);
      return { label, fill: () => fill, stroke: colour("--card"), width: timeline.length > MOST_APART ? 0 : 1, paths: bars, points: { show: false } };
    });
    return {
      data: [timeline.map((second) => second.second), ...stacked(timeline)],
      series,
      scale: { range: () => [0, most * 1.05 || 1] },
      axis: { values: (_chart, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : "")) },
    };
  }

  function waits(timeline, most) {
    const value = (second, name) => (second[name] === null ? null : Math.max(second[name], SHORTEST_MS));
    const top = Math.max(10, 10 ** Math.ceil(Math.log10(most * 1.01)));
    return {
      data: [
        timeline.map((second) => second.second + 0.5),
        ...WAITS.map(([name]) => timeline.map((second) => value(second, name))),
      ],
      series: WAITS.map(([name, label, shade, width, dash]) => ({
        label, stroke: colour(shade), width, dash,
        points: { show: name === "longest_ms", size: 5, fill: colour(shade) },
      })),
      scale: { distr: 3, range: () => [1, top] },
      axis: {
        filter: (_chart, ticks) => ticks,
        splits: () => [1, 10, 100, 1000, 10000, 100000].filter((tick) => tick <= top),
        values: (_chart, ticks) => ticks.map((tick) => (tick < 1000 ? `${tick} ms` : `${tick / 1000} s`)),
      },
    };
  }

  // The time of the fault as a shade, and a line with its name where something happened.
  function marking(marks) {
    const at = (chart, seconds) => Math.round(chart.valToPos(seconds, "x", true));
    return {
      drawClear: (chart) => {
        if (!("fault" in marks)) return;
        const left = at(chart, marks.fault);
        const right = "restored" in marks ? at(chart, marks.restored) : chart.bbox.left + chart.bbox.width;
        chart.ctx.fillStyle = colour("--fault");
        chart.ctx.fillRect(left, chart.bbox.top, right - left, chart.bbox.height);
      },
      draw: (chart) => {
        const { ctx, bbox } = chart;
        const ratio = devicePixelRatio;
        ctx.save();
        ctx.font = font(12 * ratio);
        ctx.textBaseline = "top";
        MARKS.filter((name) => name in marks).forEach((name, row) => {
          const left = at(chart, marks[name]);
          const top = bbox.top - (3 - row) * ROW * ratio;
          ctx.strokeStyle = ctx.fillStyle = colour("--ink");
          ctx.lineWidth = ratio;
          ctx.setLineDash(name === "fault" ? [] : [4 * ratio, 3 * ratio]);
          ctx.beginPath();
          ctx.moveTo(left + 0.5, top);
          ctx.lineTo(left + 0.5, bbox.top + bbox.height);
          ctx.stroke();
          const fits = left + ctx.measureText(name).width + 6 * ratio < chart.ctx.canvas.width;
          ctx.textAlign = fits ? "left" : "right";
          ctx.fillText(name, left + (fits ? 5 : -5) * ratio, top);
        });
        ctx.restore();
      },
    };
  }

  // A second lasts from its number to the next one, so the nearest number would be that of the next for half of it.
  function positionOf(chart, timeline) {
    if (chart.cursor.left < 0) return null;
    const second = Math.floor(chart.posToVal(chart.cursor.left, "x"));
    const at = timeline.findIndex((each) => each.second === second);
    return at < 0 ? null : at;
  }

  // ``selected`` is called with the position in the timeline that the pointer or the keyboard is at, or null.
  function draw(place, { timeline, kind, marks, most, together, selected }) {
    const part = kind === "requests" ? requests(timeline, most) : waits(timeline, most);
    const first = timeline[0].second;
    const last = timeline[timeline.length - 1].second + 1;
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: font(12) };
    const drawn = marking(marks);
    return new uPlot(
      {
        width: Math.max(place.clientWidth, 200),
        height: HEIGHT,
        padding: [3 * ROW + 4, 12, 0, 4],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === "waits" }, sync: { key: together, scales: ["x", null] } },
        scales: { x: { time: false, range: () => [first, last] }, y: part.scale },
        axes: [
          { ...axis, size: 28, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600], values: (_chart, ticks) => ticks.map((tick) => `${tick} s`) },
          { ...axis, ...part.axis, size: 56 },
        ],
        series: [{}, ...part.series],
        hooks: { drawClear: [drawn.drawClear], draw: [drawn.draw], setCursor: [(chart) => selected(positionOf(chart, timeline))] },
      },
      part.data,
      place,
    );
  }

  return { draw, KINDS, WAITS };
})();
