const COLOURS = ["#5b50e0", "#ffd166", "#2fb37a", "#ff7a59", "#4aa8ff", "#d65db1"];

/** A short burst for the one moment in a project's life that deserves it. Hidden from those who asked for less motion. */
export function Confetti() {
  return (
    <div aria-hidden className="pointer-events-none absolute inset-x-0 top-8 z-10 h-0">
      {Array.from({ length: 44 }, (_, index) => {
        // Spread by the golden angle: even, without a random number, and the same on every render.
        const angle = index * 2.39996;
        const reach = 90 + (index % 7) * 34;
        const style: Record<string, string> = {
          "--dx": `${Math.round(Math.cos(angle) * reach * 1.5)}px`,
          "--dy": `${Math.round(Math.sin(angle) * reach * 0.6 + 140)}px`,
          "--turn": `${(index % 2 === 0 ? 1 : -1) * (200 + index * 17)}deg`,
          background: COLOURS[index % COLOURS.length] ?? "#5b50e0",
          animationDelay: `${(index % 5) * 30}ms`,
        };
        return <span key={`${index}`} className="confetti-piece" style={style} />;
      })}
    </div>
  );
}
