// The runs of a study in pictures: each mark is a run and names it. The data are in assets/explore/STUDY.js.
const at = (id) => document.getElementById(id)
const dashes = ["solid", "dash", "dot", "dashdot"]
const symbols = ["circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star", "pentagon", "hexagon"]
window.soundclr = {}

const name = (study, run) => `${title(study, run)}, fold ${run.fold}, seed ${run.seed}`
const hover = (study, run) =>
  `${name(study, run)}<br>last epoch ${run.last ?? "–"} %, best ${run.best ?? "–"} %<br>${run.epochs} epochs, ${run.device}<br>commit ${run.commit}, ${run.created}`
const ink = (name = "--md-default-fg-color") => getComputedStyle(document.body).getPropertyValue(name)
const title = (study, run) => study.schemes[run.scheme].title
const titles = (study, runs) => [...new Set(runs.map((run) => title(study, run)))]
const black = (colour) => (colour === "#000000" ? ink() : colour) // which a dark page would hide
const narrow = () => innerWidth < 700
const SHOWN = 3 // schemes whose lines are there at first; a click on the legend adds others

// A faint line a run, and a strong one for each scheme's mean.
function lines(study, runs, of, x) {
  const its = runs.filter((run) => of(run)?.length > 1)
  return titles(study, its).flatMap((scheme, i) => {
    const group = its.filter((run) => title(study, run) === scheme)
    const { scheme: place } = group[0]
    const line = { color: black(study.schemes[place].colour), dash: dashes[Math.floor(place / 10) % 4] }
    const both = { type: "scatter", mode: "lines", legendgroup: scheme, visible: i < SHOWN || "legendonly" }
    const xs = [...new Set(group.flatMap(x))].sort((a, b) => a - b)
    const values = xs.map((at) => group.map((run) => of(run)[x(run).indexOf(at)]).filter((y) => y !== null && y !== undefined))
    const means = values.map((ys) => (ys.length ? ys.reduce((a, b) => a + b) / ys.length : null))
    return [
      ...group.map((run) => ({ ...both, name: scheme, showlegend: false, x: x(run), y: of(run), opacity: 0.25, line: { ...line, width: 1 }, text: name(study, run), hovertemplate: "%{text}<br>%{x}: %{y} %<extra></extra>" })),
      { ...both, name: scheme, x: xs, y: means, line: { ...line, width: 2.6 }, hovertemplate: `${scheme}, mean<br>%{x}: %{y:.2f} %<extra></extra>` },
    ]
  })
}

// Words in lines of some 16 letters.
const wrapped = (text) => text.split(" ").reduce((all, word) => (all && all.length - all.lastIndexOf("<br>") + word.length < 20 ? `${all} ${word}` : all ? `${all}<br>${word}` : word), "")

const pictures = {
  accuracy: {
    label: "epoch", choices: () => ["last", "best"],
    draw(study, runs, epoch) {
      const known = runs.filter((run) => run[epoch] !== null)
      const folds = [...new Set(known.map((run) => run.fold))].sort((a, b) => a - b)
      const schemes = titles(study, known)
      const lane = (run, i) => schemes.indexOf(title(study, run)) + (0.6 * (i - (folds.length - 1) / 2)) / folds.length
      const traces = folds.map((fold, i) => {
        const its = known.filter((run) => run.fold === fold)
        return {
          type: "scatter", mode: "markers", name: `fold ${fold}`, x: its.map((run) => run[epoch]), y: its.map((run) => lane(run, i)),
          text: its.map((run) => hover(study, run)), hovertemplate: "%{text}<extra></extra>", marker: { color: black(study.colours[i % 10]), symbol: symbols[i % 10], size: 7, opacity: 0.85 },
        }
      })
      return {
        traces, height: 130 + 34 * schemes.length, x: `accuracy, ${epoch} epoch (%)`,
        yaxis: { tickvals: schemes.map((_, i) => i), ticktext: narrow() ? schemes.map(wrapped) : schemes, range: [schemes.length - 0.5, -0.5], showgrid: false },
        head: ["scheme", "fold", "seed", "accuracy, %", "epochs", "device", "commit"],
        rows: known.map((run) => [title(study, run), run.fold, run.seed, run[epoch], run.epochs, run.device, run.commit]),
      }
    },
  },
  curves: {
    label: "schemes", choices: (study, runs) => ["all", ...titles(study, runs)],
    draw(study, runs, scheme) {
      const its = runs.filter((run) => (scheme === "all" || title(study, run) === scheme) && run.curve.some((y) => y !== null))
      return {
        traces: lines(study, its, (run) => run.curve, (run) => run.curve.map((_, i) => i + 1)), height: 480, x: "epoch, all stages", y: "held-out accuracy (%)",
        head: ["run", "epochs", "accuracy at each epoch, %"], rows: its.map((run) => [name(study, run), run.curve.length, run.curve.map((y) => y ?? "–").join(" ")]),
      }
    },
  },
  noise: {
    label: "noise", choices: (study, runs) => [...new Set(runs.flatMap((run) => Object.keys(run.noise)))],
    draw(study, runs, noise) {
      const its = runs.filter((run) => run.noise[noise])
      return {
        traces: lines(study, its, (run) => run.noise[noise].map((one) => one[1]), (run) => run.noise[noise].map((one) => one[0])), height: 480,
        x: `signal to ${noise} noise (dB)`, xaxis: { autorange: "reversed" }, y: "held-out accuracy (%)", head: ["run", "SNR in dB: accuracy, %"], rows: its.map((run) => [name(study, run), run.noise[noise].map((one) => one.join(": ")).join("; ")]),
      }
    },
  },
  confusion: {
    label: "scheme", choices: (study, runs) => titles(study, runs.filter((run) => run.last !== null)),
    draw(study, runs, scheme, data) {
      const classes = study.classes[data] ?? []
      const cells = study.confusion.filter((cell) => cell[0] === data && study.schemes[cell[1]].title === scheme)
      const z = classes.map(() => classes.map(() => 0))
      for (const [, , actual, predicted, clips] of cells) z[actual][predicted] += clips
      const few = classes.length <= 12
      const names = { type: "category", tickmode: "linear", showticklabels: few || !narrow() } // hovering names them
      return {
        traces: [{ type: "heatmap", x: classes, y: classes, z, colorscale: [[0, getComputedStyle(document.body).backgroundColor], [1, "#0072B2"]], showscale: !few, colorbar: { thickness: 10, title: { text: "clips" } }, xgap: 1, ygap: 1, texttemplate: few ? "%{z}" : "", hovertemplate: "%{y} taken for %{x}: %{z} clips<extra></extra>" }],
        height: few ? 520 : narrow() ? 420 : 900, x: "predicted class", yaxis: { ...names, autorange: "reversed", title: { text: "class", standoff: 10 } }, xaxis: { ...names, tickangle: -60 },
        head: ["class", "predicted", "clips of all runs"], rows: cells.map((cell) => [classes[cell[2]], classes[cell[3]], cell[4]]),
      }
    },
  },
}

function options(select, values, wanted, names = {}) {
  select.replaceChildren(...values.map((value) => new Option(names[value] ?? value, value)))
  if (values.includes(wanted)) select.value = wanted
}

function load(study) {
  if (window.soundclr[study]) return Promise.resolve(window.soundclr[study])
  return new Promise((ready) => document.head.append(Object.assign(document.createElement("script"), { src: `assets/explore/${study}.js`, onload: () => ready(window.soundclr[study]) })))
}

function show(study, data, kind, choice) {
  const runs = study.runs.filter((run) => run.data === data)
  const found = pictures[kind].draw(study, runs, choice, data)
  const faint = ink("--md-default-fg-color--lightest")
  const axis = { gridcolor: faint, zeroline: false, linecolor: faint, automargin: true }
  const layout = {
    height: found.height, font: { color: ink(), size: narrow() ? 10 : 12, family: "inherit" }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 60, r: 10, t: 10, b: 50 },
    xaxis: { ...axis, title: { text: found.x }, ...found.xaxis }, yaxis: { ...axis, title: { text: found.y ?? "" }, ...found.yaxis }, hovermode: "closest",
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
  }
  if (found.traces.length) Plotly.react("plot", found.traces, layout, { responsive: true, displaylogo: false, displayModeBar: false })
  else Plotly.purge("plot")
  at("summary").textContent = found.traces.length ? `${runs.length} runs on ${study.data[data]}.` : `No run of ${study.data[data]} has this picture.`
  const row = (cells, tag) => { const line = document.createElement("tr"); line.append(...cells.map((text) => Object.assign(document.createElement(tag), { textContent: text }))); return line }
  at("head").replaceChildren(row(found.head, "th"))
  at("body").replaceChildren(...found.rows.map((cells) => row(cells, "td")))
}

async function update(wanted = {}) {
  const study = await load(at("study").value)
  options(at("data"), Object.keys(study.data), wanted.data ?? at("data").value, study.data)
  const kind = at("picture").value
  at("choice-label").textContent = pictures[kind].label
  options(at("choice"), pictures[kind].choices(study, study.runs.filter((run) => run.data === at("data").value)), wanted.choice ?? at("choice").value)
  history.replaceState(null, "", `#${new URLSearchParams(["study", "data", "picture", "choice"].map((id) => [id, at(id).value]))}`)
  show(study, at("data").value, kind, at("choice").value)
}

const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
for (const id of ["study", "picture"]) if ([...at(id).options].some((one) => one.value === wanted[id])) at(id).value = wanted[id]
at("controls").addEventListener("change", () => update())
new MutationObserver(() => update()).observe(document.body, { attributeFilter: ["data-md-color-scheme"] })
update(wanted)
