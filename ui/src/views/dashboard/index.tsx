import { Empty } from "~/components/states";
import { texts } from "~/texts";

/** The card on Airflow's start page. */
const DashboardCard = () => <Empty title={texts.app.title} />;

export default DashboardCard;
