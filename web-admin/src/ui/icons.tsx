/** The few pictures there are; all are decoration beside a text or a label. */
import type { ReactNode } from 'react';

function Icon({ size = 18, children }: { size?: number; children: ReactNode }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {children}
    </svg>
  );
}

export function WaterIcon({ size = 22 }: { size?: number }) {
  return (
    <Icon size={size}>
      <path d="M3 8.5c3-2.6 6-2.6 9 0s6 2.6 9 0M3 15.5c3-2.6 6-2.6 9 0s6 2.6 9 0" />
    </Icon>
  );
}

export function PreviousIcon() {
  return <Icon><path d="m15 5-7 7 7 7" /></Icon>;
}

export function NextIcon() {
  return <Icon><path d="m9 5 7 7-7 7" /></Icon>;
}

export function DownIcon() {
  return <Icon size={16}><path d="m6 9 6 6 6-6" /></Icon>;
}

export function DownloadIcon() {
  return <Icon><path d="M12 4v11m-5-5 5 5 5-5M5 20h14" /></Icon>;
}

export function CheckIcon() {
  return <Icon size={16}><path d="m5 12.5 4.5 4.5L19 7.5" /></Icon>;
}
