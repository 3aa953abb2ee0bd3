#include "launch/html.hpp"

#include <gtest/gtest.h>

#include "core/files/utf8.hpp"

namespace bayesum {
namespace {

TEST(Html, EscapesWhatHasAMeaning) {
  EXPECT_EQ(html::escaped("a < b && \"c\" > 'd'"),
            "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
  EXPECT_EQ(html::escaped("</script><img src=x onerror=alert(1)>"),
            "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;");
  EXPECT_EQ(html::escaped("&amp;"), "&amp;amp;");
  EXPECT_EQ(html::escaped(""), "");
}

TEST(Html, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(html::escaped("døse µ 日本 \U0001f600"), "døse µ 日本 \U0001f600");
  for (const std::string text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "x\x80y"}) {
    const std::string safe = html::escaped(text);
    EXPECT_TRUE(is_utf8(safe)) << safe;
    EXPECT_NE(safe.find("\ufffd"), std::string::npos) << safe;
  }
}

TEST(Html, HoldsNoControlCharacter) {
  EXPECT_EQ(html::escaped(std::string("a\tb\rc\x1b[0m\0d", 11)), "a b c [0m d");
  EXPECT_EQ(html::escaped("a\x7f\u0085b\uffff"), "a  b ");
}

TEST(Html, AttributesAreEscaped) {
  EXPECT_EQ(html::element("p", "x", {{"title", "\"><b>"}}),
            "<p title=\"&quot;&gt;&lt;b&gt;\">x</p>");
}

TEST(Html, TablesHaveARowOfEachAndEscapeIt) {
  Table table({"", "mean"});
  table.add({"<age>", "1.5"});
  const std::string text = html::table(table, "R&D");
  for (const char* part : {"<p class=\"note\">R&amp;D</p>", "<th scope=\"col\">mean</th>",
                           "<th scope=\"row\">&lt;age&gt;</th>", "<td>1.5</td>"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in " << text;
  }
}

}  // namespace
}  // namespace bayesum
