import { faults } from './faults.ts';
import { MINUTE_MS, type Month, minuteOf } from './month.ts';

const LEFT = 240;
const WIDTH = 720;
const ROW = 26;
const TOP = 46;
const COLOURS = { invalid: '#d1242f', none: '#e8a33d', ok: '#2da44e' } as const;
/** A minute is narrower than a pixel; a single one must be visible all the same. */
const MIN_WIDTH = 0.6;

/** An SVG with a row for each candidate, from the start of the month to its end, and marks above for the faults. */
export function chart(months: readonly Month[]): string {
  const total = months[0]?.minutes.length ?? 0;
  const x = (minute: number) => LEFT + (minute / total) * WIDTH;
  const height = TOP + months.length * ROW + 34;
  const marks = faults.map(
    (fault) =>
      `<path d="M${x(minuteOf(fault)).toFixed(1)} ${TOP - 6}v-8" stroke="#57606a"><title>${escapeXml(`Day ${fault.day}, ${fault.time}: ${fault.what}`)}</title></path>`,
  );
  const rows = months.flatMap(({ name, minutes }, index) => {
    const y = TOP + index * ROW;
    const spans = spansOf(minutes).map(
      ({ result, from, to }) =>
        `<rect x="${x(from).toFixed(2)}" y="${y}" width="${Math.max(MIN_WIDTH, x(to) - x(from)).toFixed(2)}" height="${ROW - 8}" fill="${COLOURS[result]}"/>`,
    );
    return [
      `<text x="${LEFT - 10}" y="${y + 13}" text-anchor="end">${escapeXml(name.replace(/[*`]/g, ''))}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${WIDTH}" height="${ROW - 8}" fill="${COLOURS.ok}"/>`,
      ...spans,
    ];
  });
  const legend = [
    ['ok', 'every server has a valid token'],
    ['invalid', 'a server uses an invalid token'],
    ['none', 'a server has no token'],
  ] as const;
  const keys = legend.map(
    ([result, text], index) =>
      `<rect x="${LEFT + index * 230}" y="${height - 24}" width="12" height="12" fill="${COLOURS[result]}"/><text x="${LEFT + 18 + index * 230}" y="${height - 14}">${text}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${height}" font-family="sans-serif" font-size="12" fill="#1f2328" role="img" aria-label="A month with faults, minute by minute">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${LEFT}" y="20">${Math.round((total * MINUTE_MS) / 86_400_000)} days; the marks are the faults</text>
${[...marks, ...rows, ...keys].join('\n')}
</svg>
`;
}

/** Consecutive minutes with the same result, without those that are ok. */
function spansOf(minutes: Month['minutes']) {
  const spans: { result: 'invalid' | 'none'; from: number; to: number }[] = [];
  minutes.forEach((result, minute) => {
    if (result === 'ok') return;
    const last = spans.at(-1);
    if (last?.result === result && last.to === minute) last.to = minute + 1;
    else spans.push({ result, from: minute, to: minute + 1 });
  });
  return spans;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
