import { Empty } from "~/components/states";
import { texts } from "~/texts";

const FiresView = () => <Empty title={texts.views.fires} />;

export default FiresView;
