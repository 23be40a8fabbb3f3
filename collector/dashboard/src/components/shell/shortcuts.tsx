import { Dialog } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/tooltip";
import { SHORTCUTS } from "@/hotkeys/hotkeys";

export function ShortcutsHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts">
      <div className="space-y-5">
        {SHORTCUTS.map((section) => (
          <section key={section.title}>
            <h3 className="label-caps mb-1.5">{section.title}</h3>
            <dl>
              {section.keys.map(({ press, does }) => (
                <div key={does} className="flex items-center justify-between border-b py-1.5 text-sm last:border-0">
                  <dt className="text-ink-2">{does}</dt>
                  <dd className="flex gap-1">
                    {press.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
