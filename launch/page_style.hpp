#pragma once

namespace bayesum {

// The style of a report's page.
inline constexpr const char* kPageStyle = R"(
:root { color-scheme: light dark;
  --paper: #fdfdfc; --ink: #1d2023; --soft: #646b73; --line: #dfe2e5; --accent: #1f5fa6;
  --second: #b3561b;
  --good: #2c7a4b; --bad: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e3e6e8; --soft: #99a1a9;
  --line: #33383d; --accent: #74ade8; --second: #e3a066; --good: #74c493; --bad: #ee8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial,
  sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; font-weight: 650; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; font-weight: 650; margin: 3rem 0 .4rem; padding-top: .9rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 650; margin: 0 0 .2rem; }
p { max-width: 46rem; margin: .4rem 0 .8rem; }
.byline, .note, footer { color: var(--soft); font-size: .9rem; }
.lead { font-size: 1.1rem; margin-top: 1.2rem; }
.verdict { border-left: 4px solid var(--good); padding: .2rem 0 .2rem .9rem; }
.verdict.bad { border-color: var(--bad); }
figure { margin: 1rem 0; }
figure .wide { margin: 0; }
figcaption { margin-bottom: .3rem; }
svg { display: block; width: 100%; height: auto; min-width: 26rem; max-width: 50rem; }
svg[viewBox^="0 0 720"] { min-width: 38rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 0 2rem; }
.pair > * { min-width: 0; display: flex; flex-direction: column; justify-content: space-between; }
.wide { overflow-x: auto; margin: .4rem 0 1.2rem; }
p.note { margin: 1rem 0 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .9rem .22rem 0; text-align: right; white-space: nowrap; }
th { font-weight: 600; }
thead th { border-bottom: 1px solid var(--soft); color: var(--soft); font-weight: 500; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
table.texts :is(th, td) { text-align: left; vertical-align: top; }
table.texts td:last-child { white-space: normal; min-width: 18rem; max-width: 44rem; }
tr > :first-child { text-align: left; }
tbody th { font-weight: 400; white-space: normal; min-width: 8rem; max-width: 24rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #ccc;
    --accent: #1f5fa6; --second: #b3561b; --good: #2c7a4b; --bad: #b3372f; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } h2 { margin-top: 1.5rem; }
  figure, tr, .verdict { break-inside: avoid; } h2, h3, figcaption { break-after: avoid; }
  svg, svg[viewBox^="0 0 720"] { min-width: 0; } .pair { grid-template-columns: 1fr 1fr; }
  .wide { overflow: visible; } }
)";

}  // namespace bayesum
