import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useHotkeys } from "./hotkeys";

afterEach(cleanup);

function Page({ down, enter, dialog = false }: { down: () => void; enter: () => void; dialog?: boolean }) {
  useHotkeys({ j: down, Enter: enter });
  return (
    <>
      <input aria-label="search" />
      <button type="button">act</button>
      {dialog && <dialog open>help</dialog>}
    </>
  );
}

describe("useHotkeys", () => {
  it("hears a key on the page, in either case", () => {
    const down = vi.fn();
    render(<Page down={down} enter={vi.fn()} />);
    fireEvent.keyDown(document.body, { key: "j" });
    fireEvent.keyDown(document.body, { key: "J", shiftKey: true });
    expect(down).toHaveBeenCalledTimes(2);
  });

  it("stays silent while someone types, presses a button, holds a modifier or has a dialog open", () => {
    const down = vi.fn();
    const enter = vi.fn();
    const { rerender } = render(<Page down={down} enter={enter} />);
    fireEvent.keyDown(screen.getByLabelText("search"), { key: "j" });
    fireEvent.keyDown(screen.getByText("act"), { key: "Enter" });
    fireEvent.keyDown(document.body, { key: "j", ctrlKey: true });
    rerender(<Page down={down} enter={enter} dialog />);
    fireEvent.keyDown(document.body, { key: "j" });
    expect(down).not.toHaveBeenCalled();
    expect(enter).not.toHaveBeenCalled();
  });

  it("forgets its keys when the page goes", () => {
    const down = vi.fn();
    render(<Page down={down} enter={vi.fn()} />).unmount();
    fireEvent.keyDown(document.body, { key: "j" });
    expect(down).not.toHaveBeenCalled();
  });
});
