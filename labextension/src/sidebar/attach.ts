/** Fetches a job's result into the notebook that is open: a cell with `%flash attach ID`, run at once. */
import { type INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

/** Loads the magics where they are not loaded; says nothing either way. */
const LOAD = "get_ipython().extension_manager.load_extension('flash_jupyter')";

/** Insert the cell below the active one, and run it; false where no notebook is open. */
export async function attach(notebooks: INotebookTracker, jobId: string): Promise<boolean> {
  const panel = notebooks.currentWidget;
  if (!panel) {
    return false;
  }
  await panel.context.ready;
  await panel.sessionContext.ready;
  panel.sessionContext.session?.kernel?.requestExecute({ code: LOAD, silent: true, store_history: false });
  NotebookActions.insertBelow(panel.content);
  panel.content.activeCell?.model.sharedModel.setSource(`%flash attach ${jobId}`);
  panel.activate();
  await NotebookActions.run(panel.content, panel.sessionContext);
  return true;
}
