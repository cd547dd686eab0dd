"use strict";

// Draws what sites depend on as SVG: boxes by dagre's layout, from what is asked on the left to the sites on the right.
const Picture = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 40;

  function element(name, attributes, text = "") {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  // A canvas measures text as the page will draw it.
  const pen = document.createElement("canvas").getContext("2d");
  function widthOf(box) {
    pen.font = '13px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
    const name = pen.measureText(box.text).width;
    pen.font = '11px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
    return Math.ceil(Math.max(name, pen.measureText(box.note).width)) + 24;
  }

  function layout(data) {
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 70, marginx: 4, marginy: 4 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const box of data.boxes) graph.setNode(box.id, { width: widthOf(box), height: HEIGHT });
    for (const [from, to] of data.arrows) graph.setEdge(from, to);
    dagre.layout(graph);
    return graph;
  }

  // Bezier curves through the ends of an arrow, level where it leaves and arrives.
  function curve(from, to) {
    const [x1, x2] = [from.x + from.width / 2, to.x - to.width / 2];
    const middle = (x1 + x2) / 2;
    return `M${x1},${from.y} C${middle},${from.y} ${middle},${to.y} ${x2},${to.y}`;
  }

  function draw(place, data, chosen) {
    const graph = layout(data);
    const { width, height } = graph.graph();
    const svg = element("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    const tones = new Map(data.boxes.map((box) => [box.id, box.tone]));
    const paths = data.arrows.map(([from, to]) => {
      const path = element("path", { d: curve(graph.node(from), graph.node(to)), class: tones.get(from) });
      svg.append(path);
      return { from, to, path };
    });
    const groups = new Map();
    for (const box of data.boxes) {
      const at = graph.node(box.id);
      const group = element("g", { class: box.tone, "data-search": box.text });
      const [left, top] = [at.x - at.width / 2, at.y - at.height / 2];
      group.append(element("rect", { x: left, y: top, width: at.width, height: at.height, rx: 8 }));
      group.append(element("text", { x: left + 12, y: at.y - 2 }, box.text));
      group.append(element("text", { x: left + 12, y: at.y + 13, class: "note" }, box.note));
      group.addEventListener("click", () => chosen(box));
      group.addEventListener("mouseenter", () => light(box.id));
      group.addEventListener("mouseleave", () => light(null));
      groups.set(box.id, group);
      svg.append(group);
    }

    // What leads to a box and what it leads to stays; the rest steps back.
    function light(id) {
      const kept = new Set([id]);
      for (const step of ["from", "to"]) {
        const other = step === "from" ? "to" : "from";
        let edge = [id];
        while (edge.length) {
          edge = paths.filter((each) => edge.includes(each[step])).map((each) => each[other]).filter((each) => !kept.has(each));
          edge.forEach((each) => kept.add(each));
        }
      }
      for (const [name, group] of groups) group.classList.toggle("dim", id !== null && !kept.has(name));
      for (const { from, to, path } of paths) path.classList.toggle("dim", id !== null && !(kept.has(from) && kept.has(to)));
    }

    place.append(svg);
  }

  return { draw };
})();
