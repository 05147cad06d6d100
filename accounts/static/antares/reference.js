// Shows the OpenAPI document with Redoc. Without this script, the page leads to the plain version.
"use strict";

const place = document.getElementById("reference");

window.Redoc.init(
  place.dataset.document,
  {
    hideDownloadButtons: true,
    expandResponses: "200,201,202",
    requiredPropsFirst: true,
    sortTagsAlphabetically: false,
    scrollYOffset: ".reference-head",
    maxDisplayedEnumValues: 12,
    theme: {
      colors: { primary: { main: "#3b3fb6" }, text: { primary: "#1d2130", secondary: "#4d5468" } },
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace", color: "#a3123a" },
      },
    },
  },
  place,
  () => {
    place.dataset.shown = "";
  },
);
