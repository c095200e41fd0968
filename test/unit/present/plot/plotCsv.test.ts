import assert from 'node:assert/strict';
import { encodeDoubles } from '../../../../src/base/base64';
import type { PlotValue } from '../../../../src/model/plotValue';
import { plotCsv } from '../../../../src/present/plot/plotCsv';
import { PlotTrack } from '../../../../src/present/plot/plotTrack';

function csvOf(name: string, ...values: PlotValue[]): string[] {
  let nowMs = Date.UTC(2026, 0, 1);
  const track = new PlotTrack({ name, protocol: 'pva' }, 0, () => nowMs);
  for (const value of values) {
    track.take({ kind: 'value', value, severity: 'NO_ALARM', units: 'mm' });
    nowMs += 1000;
  }
  const rows = plotCsv([track]).split('\r\n');
  assert.equal(rows[0], 'pv,time,index,column,value,low,high,unit');
  assert.equal(rows.at(-1), '');
  return rows.slice(1, -1);
}

describe('the CSV of a plot', () => {
  it('has a row for each value, with the range where some were skipped', () => {
    const rows = csvOf(
      'A',
      { kind: 'number', value: -1.5 },
      { kind: 'number', value: 2, range: [-3, 4] },
      { kind: 'number', value: NaN },
    );
    assert.deepEqual(rows, [
      'pva://A,2026-01-01T00:00:00.000Z,,,-1.5,,,mm',
      'pva://A,2026-01-01T00:00:01.000Z,,,2,-3,4,mm',
      'pva://A,2026-01-01T00:00:02.000Z,,,,,,mm',
    ]);
  });

  it('has the names of states', () => {
    const choices = ['Off', 'On, "really"'];
    const [off, on] = csvOf(
      'A',
      { kind: 'choice', index: 0, choices },
      { kind: 'choice', index: 1, choices },
    );
    assert.match(off ?? '', /,Off,/);
    assert.match(on ?? '', /,"On, ""really""",/);
  });

  it('is no formula, whatever a text says', () => {
    const rows = csvOf(
      'X',
      { kind: 'string', text: '=cmd|calc' },
      { kind: 'string', text: '@SUM' },
    );
    assert.match(rows[0] ?? '', /,'=cmd\|calc,/);
    assert.match(rows[1] ?? '', /,'@SUM,/);
    // Excel in most of Europe.
    assert.match(
      csvOf('X;=1+1;', { kind: 'string', text: "a;=cmd|'/c x'!A1;-b" })[0] ?? '',
      /X;'=1.*,a;'=cmd\|'\/c x'!A1;'-b,/,
    );
    const table: PlotValue = {
      ...{ kind: 'table', labels: ['+a', 'b'], rows: [['-2.5', '-x']], rowCount: 1 },
      columnCount: 2,
    };
    assert.deepEqual(csvOf('T', table), ["pva://T,,0,'+a,-2.5,,,mm", "pva://T,,0,b,'-x,,,mm"]);
    assert.match(csvOf('=1+1,"', { kind: 'number', value: 1 })[0] ?? '', /^"pva:\/\/=1\+1,""",/);
  });

  it('has the elements of a waveform, or what its parts go from and to', () => {
    const low = encodeDoubles(Float64Array.of(1, NaN));
    assert.deepEqual(csvOf('W', { kind: 'wave', count: 2, low }), [
      'pva://W,,0,,1,,,mm',
      'pva://W,,1,,,,,mm',
    ]);
    const high = encodeDoubles(Float64Array.of(2, 5));
    assert.deepEqual(csvOf('W', { kind: 'wave', count: 100, low, high }), [
      'pva://W,,0,,,1,2,mm',
      'pva://W,,50,,,,5,mm',
    ]);
  });
});
