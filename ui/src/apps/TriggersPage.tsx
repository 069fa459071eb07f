import { Box, Flex, Heading } from "@chakra-ui/react";

import { ControllerBanner } from "~/components/ControllerBanner";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";
import { DEFAULT_VIEW, VIEW_COMPONENTS, VIEWS_IN_NAVIGATION, isView } from "~/views";
import { useSearchParam } from "~/viewState";

/**
 * Airflow makes the text of the current entry in its navigation white, on its brand's colour. The entry's icon is an
 * image, with the colour of the other entries: it is made white too.
 */
const ICON_STYLE = 'a[aria-current="page"] img[src*="triggers/static/icon"] { filter: brightness(0) invert(1); }';

/** The page behind the navigation's button: the views' links, and the view that the address names. */
export const TriggersPage = () => {
  const requested = useSearchParam("view");
  const view = isView(requested) ? requested : DEFAULT_VIEW;
  const View = VIEW_COMPONENTS[view];

  return (
    <Flex direction="column" gap={3} h="100%" minH={0} p={3}>
      <style>{ICON_STYLE}</style>
      <Flex align="center" borderBottomWidth={1} gap={6} pb={1} wrap="wrap">
        <Heading as="h1" size="lg">
          {texts.app.title}
        </Heading>
        <Flex aria-label={texts.app.navigation} as="nav" gap={1} wrap="wrap">
          {VIEWS_IN_NAVIGATION.map((name) => (
            <ViewLink
              _currentPage={{ borderColor: "brand.solid", color: "fg" }}
              _hover={{ color: "fg" }}
              aria-current={name === view ? "page" : undefined}
              borderBottomWidth={2}
              borderColor="transparent"
              color="fg.muted"
              fontWeight="medium"
              key={name}
              px={3}
              py={1}
              view={name}
            >
              {texts.views[name]}
            </ViewLink>
          ))}
        </Flex>
      </Flex>
      <Box flex={1} minH={0}>
        <View />
      </Box>
      {/* Below the view: it comes late, and must not push what is under the mouse. */}
      <ControllerBanner />
    </Flex>
  );
};
