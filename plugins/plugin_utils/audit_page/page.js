"use strict";

// Filters the findings by words, namespace and severity, and draws the picture.
(() => {
  const form = document.getElementById("filter");
  const place = document.getElementById("picture");
  const data = JSON.parse(document.getElementById("picture-data").textContent);
  const rules = [...document.querySelectorAll(".rule")];
  const search = document.getElementById("search");
  const namespace = document.getElementById("namespace");

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((each) => each.value));
    let shown = 0;
    for (const rule of rules) {
      let left = 0;
      for (const hit of rule.querySelectorAll(".hits li")) {
        const fits = severities.has(rule.dataset.severity)
          && (!namespace.value || hit.dataset.namespace === namespace.value)
          && words.every((word) => hit.dataset.words.includes(word));
        hit.hidden = !fits;
        left += fits;
      }
      rule.hidden = left === 0;
      shown += left;
    }
    document.getElementById("shown").textContent = `${shown} of ${document.querySelectorAll(".hits li").length} findings`;
    document.getElementById("nothing").hidden = shown > 0;
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  if (place) {
    Picture.draw(place, data, (box) => {
      if (!form) return;
      search.value = box.text.split("/").pop();
      apply();
      document.getElementById("findings").scrollIntoView();
    });
  }
})();
