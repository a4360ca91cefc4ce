// The pictures of the pages: 16 × 16 strokes in the text's colour. All are decoration beside a label.
import type { ReactNode, SVGProps } from "react";
import type { BadgeName } from "@/lib/intent/badge.ts";

type Props = Omit<SVGProps<SVGSVGElement>, "children"> & { size?: number };

function icon(paths: ReactNode) {
  return function Icon({ size = 16, ...rest }: Props) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        className="shrink-0"
        {...rest}
      >
        {paths}
      </svg>
    );
  };
}
const octagon = "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z";

export const OpenCircle = icon(<circle cx="8" cy="8" r="5.5" />);
export const DottedCircle = icon(<circle cx="8" cy="8" r="5.5" strokeDasharray="2 2.3" />);
export const HalfCircle = icon(
  <>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" stroke="none" />
  </>,
);
export const CircleArrow = icon(
  <>
    <circle cx="8" cy="8" r="5.8" />
    <path d="M6.2 9.8l3.4-3.4M7 6.2h2.8V9" />
  </>,
);
export const ArcDot = icon(
  <>
    <path d="M8 2.5a5.5 5.5 0 1 1-5.2 3.7" />
    <path d="M4.2 4A5.5 5.5 0 0 1 5.6 3" opacity="0.6" />
    <circle cx="8" cy="8" r="1.6" fill="currentColor" stroke="none" />
  </>,
);
export const Retry = icon(<path d="M13.2 8a5.2 5.2 0 1 1-1.6-3.8l1.4 1.4M13.2 2.4v3.3H9.9" />);
export const Tick = icon(<path d="M3 8.5l3.2 3.2L13 4.8" />);
export const CircleTick = icon(
  <>
    <circle cx="8" cy="8" r="6.3" fill="currentColor" stroke="none" />
    <path d="M5 8.2l2.1 2.1L11 6.2" stroke="var(--surface)" />
  </>,
);
export const OctagonCross = icon(
  <>
    <path d={octagon} fill="currentColor" stroke="none" />
    <path d="M5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2" stroke="var(--surface)" />
  </>,
);
export const CircleSlash = icon(
  <>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M4.3 4.3l7.4 7.4" />
  </>,
);
export const ClockIcon = icon(
  <>
    <circle cx="8" cy="8" r="5.8" />
    <path d="M8 4.8V8l2.2 1.4" />
  </>,
);
export const SquareDash = icon(
  <>
    <rect x="2.5" y="2.5" width="11" height="11" rx="2.5" />
    <path d="M5.5 8h5" />
  </>,
);
export const Warning = icon(
  <>
    <path d="M8 2.2l6.2 11H1.8z" />
    <path d="M8 6.4v3M8 11.4v.1" />
  </>,
);
export const Dash = icon(<path d="M4 8h8" />);
export const Plus = icon(<path d="M8 3v10M3 8h10" />);
export const Cross = icon(<path d="M4 4l8 8M12 4l-8 8" />);
export const ChevronDown = icon(<path d="M4 6l4 4 4-4" />);
export const ChevronRight = icon(<path d="M6 4l4 4-4 4" />);
export const ArrowUp = icon(<path d="M8 13V3M4 7l4-4 4 4" />);
export const Swap = icon(<path d="M5 3v10M5 13l-2-2M5 13l2-2M11 13V3M11 3L9 5M11 3l2 2" />);
export const Pause = icon(<path d="M5.5 3.5v9M10.5 3.5v9" />);
export const Play = icon(<path d="M5 3.5v9l7-4.5z" />);
export const CopyIcon = icon(
  <>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.8" />
    <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
  </>,
);
export const Search = icon(
  <>
    <circle cx="7" cy="7" r="4.5" />
    <path d="M10.5 10.5L14 14" />
  </>,
);
export const Sliders = icon(
  <>
    <path d="M2 5h7M13 5h1M2 11h1M7 11h7" />
    <circle cx="11" cy="5" r="1.8" />
    <circle cx="5" cy="11" r="1.8" />
  </>,
);
export const Moon = icon(<path d="M13 9.6A5.6 5.6 0 1 1 6.4 3a4.6 4.6 0 0 0 6.6 6.6z" />);
export const Sun = icon(
  <>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1" />
  </>,
);
export const GridIcon = icon(
  <>
    <rect x="2" y="2" width="5" height="5" rx="1.3" />
    <rect x="9" y="2" width="5" height="5" rx="1.3" />
    <rect x="2" y="9" width="5" height="5" rx="1.3" />
    <rect x="9" y="9" width="5" height="5" rx="1.3" />
  </>,
);
export const Layers = icon(<path d="M8 1.8l6.2 3.1L8 8 1.8 4.9zM1.8 8L8 11.1 14.2 8M1.8 11L8 14.1l6.2-3.1" />);
export const Pulse = icon(<path d="M1.5 8h3l2.2-5.5 3 11L12 8h2.5" />);

const badgeIcons: Readonly<Record<BadgeName, (props: Props) => ReactNode>> = {
  received: OpenCircle,
  planning: HalfCircle,
  submitted: CircleArrow,
  confirming: ArcDot,
  retrying: Retry,
  completed: CircleTick,
  failed: OctagonCross,
  rejected: CircleSlash,
  expired: ClockIcon,
  cancelled: SquareDash,
};
export function BadgeIcon({ name, ...rest }: Props & { name: BadgeName }) {
  const Icon = badgeIcons[name];
  return <Icon size={14} {...rest} />;
}
