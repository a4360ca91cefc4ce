"use client";
// The parts of the platform: what it stands on, its services, the streams between them.
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { cx, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { formatCount } from "@/lib/format/text.ts";
import { formatDuration, formatFullTime } from "@/lib/format/time.ts";
import { useZone } from "@/lib/preferences.ts";
import type { Status } from "@/lib/sep/types.ts";
import { agoMs, partName } from "@/lib/system/attention.ts";
import { Answer } from "./answer.tsx";

/** Rows of a table that is not there yet, each as high as the real ones. */
export function WaitingRows({
  rows,
  columns,
  height = "h-[57px] tablet:h-[41px]",
}: {
  rows: number;
  columns: number;
  height?: string;
}) {
  return Array.from({ length: rows }, (_, index) => (
    <tr key={index} className={cx("border-b border-line last:border-b-0", height)}>
      <td colSpan={columns}>
        <Skeleton />
      </td>
    </tr>
  ));
}

export function DependenciesPanel({ status }: { status: Status | undefined }) {
  return (
    <Panel title="Dependencies" note="what the platform stands on">
      <Table caption="Dependencies" className="table-fixed">
        <Head>
          <Column className="tablet:w-[34%]">Name</Column>
          <Column className="w-[136px] max-tablet:pr-4! tablet:w-[160px]">State</Column>
          <Column className="max-tablet:hidden">Detail</Column>
        </Head>
        <tbody>
          {status === undefined && <WaitingRows rows={4} columns={3} />}
          {status?.dependencies.map((one) => (
            <Row key={one.name}>
              <RowHead>
                <strong className="font-semibold">{partName(one.name)}</strong>
                <Under className="break-words tablet:hidden">{one.detail}</Under>
              </RowHead>
              <td className="max-tablet:pr-4!">
                <Answer ok={one.ok} />
              </td>
              <td className="break-words text-text2 max-tablet:hidden">{one.detail}</td>
            </Row>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}

export function ServicesPanel({ status }: { status: Status | undefined }) {
  const zone = useZone();
  return (
    <Panel title="Services" note="by their signs of life">
      <Table caption="Services" className="table-fixed">
        <Head>
          <Column className="tablet:w-[34%]">Service</Column>
          <Column className="max-tablet:hidden tablet:w-[160px]">State</Column>
          <Column number className="max-tablet:hidden">
            Instances
          </Column>
          <Column number className="max-tablet:w-[104px] max-tablet:pr-4!">
            Last seen
          </Column>
          <Column number className="max-tablet:hidden">
            Up for
          </Column>
        </Head>
        <tbody>
          {status === undefined && <WaitingRows rows={7} columns={5} />}
          {status?.services.map((service) => {
            const upFor = service.started_at && formatDuration(agoMs(status.now, service.started_at));
            return (
              <Row key={service.name}>
                <RowHead>
                  <strong className="font-semibold">{partName(service.name)}</strong>
                  {!service.ok && <Under className="break-words">{service.detail}</Under>}
                  <Under className="tablet:hidden">
                    <Answer ok={service.ok} yes="alive" no="not heard of" />,{" "}
                    {service.instances === 1 ? "1 instance" : `${service.instances} instances`}
                    {upFor && `, up for ${upFor}`}
                  </Under>
                </RowHead>
                <td className="max-tablet:hidden">
                  <Answer ok={service.ok} yes="alive" no="not heard of" />
                </td>
                <NumberCell className="max-tablet:hidden">{formatCount(service.instances)}</NumberCell>
                <NumberCell className="max-tablet:pr-4!">
                  {service.last_seen === undefined ? (
                    "–"
                  ) : (
                    <span title={formatFullTime(service.last_seen, zone)}>
                      {formatDuration(agoMs(status.now, service.last_seen))} ago
                    </span>
                  )}
                </NumberCell>
                <NumberCell className="text-text2 max-tablet:hidden">
                  {upFor && service.started_at ? (
                    <span title={formatFullTime(service.started_at, zone)}>{upFor}</span>
                  ) : (
                    "–"
                  )}
                </NumberCell>
              </Row>
            );
          })}
        </tbody>
      </Table>
    </Panel>
  );
}

export function StreamsPanel({ status }: { status: Status | undefined }) {
  return (
    <Panel title="Streams" note="how far each reader is behind">
      <Table caption="Streams" className="table-fixed">
        <Head>
          <Column>Reader</Column>
          <Column number className="w-[76px]">
            Waiting
          </Column>
          <Column number className="w-[84px] whitespace-nowrap max-tablet:pr-4! desktop:pr-4!">
            In hand
          </Column>
          <Column className="w-[120px] max-tablet:hidden desktop:hidden">State</Column>
        </Head>
        <tbody>
          {status === undefined && (
            <WaitingRows rows={6} columns={4} height="h-[57px] tablet:h-[41px] desktop:h-[57px]" />
          )}
          {status?.streams.map((stream) => (
            <Row key={stream.name}>
              <RowHead>
                <strong className="font-semibold">{partName(stream.name)}</strong>
                <Under className="tablet:hidden desktop:block">
                  <Answer ok={stream.ok} yes="keeps up" no="behind" />
                </Under>
                {!stream.ok && <Under className="break-words">{stream.detail}</Under>}
              </RowHead>
              <NumberCell>{formatCount(stream.pending)}</NumberCell>
              <NumberCell className="max-tablet:pr-4! desktop:pr-4!">
                {stream.unacknowledged === undefined ? "–" : formatCount(stream.unacknowledged)}
              </NumberCell>
              <td className="max-tablet:hidden desktop:hidden">
                <Answer ok={stream.ok} yes="keeps up" no="behind" />
              </td>
            </Row>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}
