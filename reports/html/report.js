"use strict";
// Everything on the page reads well without this. It adds a switch of themes, a filter for events, and opens what is
// folded before printing.
(function () {
  var root = document.documentElement, violations = 0;
  root.dataset.cspViolations = "0";
  document.addEventListener("securitypolicyviolation", function () {
    violations += 1;
    root.dataset.cspViolations = String(violations);
  });

  var toggle = document.createElement("button");
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  toggle.type = "button";
  toggle.className = "theme";
  function label() {
    toggle.textContent = dark ? "Light" : "Dark";
    toggle.setAttribute("aria-label", dark ? "Switch to light colours" : "Switch to dark colours");
  }
  toggle.addEventListener("click", function () {
    dark = !dark;
    root.dataset.theme = dark ? "dark" : "light";
    label();
  });
  label();
  document.body.prepend(toggle);

  var list = document.getElementById("event-list");
  var rows = list ? Array.from(list.querySelectorAll("tbody tr")) : [];
  if (rows.length > 0) {
    var field = document.createElement("label"), select = document.createElement("select"), kinds = new Set();
    rows.forEach(function (row) { kinds.add(row.dataset.kind); });
    field.className = "filter";
    field.append("Show ", select);
    ["all"].concat(Array.from(kinds).sort()).forEach(function (kind) { select.add(new Option(kind, kind)); });
    select.addEventListener("change", function () {
      rows.forEach(function (row) { row.hidden = select.value !== "all" && row.dataset.kind !== select.value; });
    });
    list.insertBefore(field, list.children[1]);
  }

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
})();
