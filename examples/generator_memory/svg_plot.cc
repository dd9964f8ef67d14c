#include "svg_plot.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <ostream>
#include <stdexcept>

namespace {

// In pixels. The frame is what the curves are drawn in.
constexpr double width = 800, height = 450;
constexpr double left = 80, right = 20, top = 40, bottom = 60;
constexpr double frame_width = width - left - right, frame_height = height - top - bottom;
constexpr double tick_length = 5, font_size = 14, line_height = 20, legend_line = 30, gap = 8;
constexpr int ticks = 6;  // about so many on an axis

// One axis: from 0 to `end` in steps that are 1, 2 or 5 times a power of ten.
struct Axis {
  double end, step;
};

Axis axis_up_to(double largest) {
  const double rough = std::max(largest, 1e-9) / ticks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double factor = rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10;
  const double step = factor * power;
  return {std::ceil(largest / step) * step, step};
}

double largest_of(const Plot& plot, double Point::*coordinate) {
  double largest = 0;
  for (const Curve& curve : plot.curves) {
    for (const Point& point : curve.points) largest = std::max(largest, point.*coordinate);
  }
  return largest;
}

class Drawing {
 public:
  Drawing(std::ostream& out, const Plot& plot)
      : out_(out),
        plot_(plot),
        x_(axis_up_to(largest_of(plot, &Point::x))),
        y_(axis_up_to(largest_of(plot, &Point::y))) {}

  void draw() {
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height
         << "\" font-family=\"sans-serif\" font-size=\"" << font_size << "\">\n"
         << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    for (int i = 0; i * x_.step <= x_.end * (1 + rounding); ++i) x_tick(i * x_.step);
    for (int i = 0; i * y_.step <= y_.end * (1 + rounding); ++i) y_tick(i * y_.step);
    line(left, top, left, bottom_y, "black");
    line(left, bottom_y, left + frame_width, bottom_y, "black");
    titles();
    for (const Curve& curve : plot_.curves) draw(curve);
    for (std::size_t i = 0; i != plot_.curves.size(); ++i) legend(plot_.curves[i], i);
    out_ << "</svg>\n";
  }

 private:
  static constexpr double bottom_y = top + frame_height;
  static constexpr double rounding = 1e-9;

  double place_x(double x) const { return left + frame_width * x / x_.end; }
  double place_y(double y) const { return bottom_y - frame_height * std::max(y, 0.0) / y_.end; }

  void line(double x1, double y1, double x2, double y2, const std::string& colour) {
    out_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2
         << "\" stroke=\"" << colour << "\"/>\n";
  }

  // `more`: further attributes.
  void text(double x, double y, const char* anchor, const auto& words, const char* more = "") {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\" " << more
         << '>' << words << "</text>\n";
  }

  void x_tick(double value) {
    line(place_x(value), bottom_y, place_x(value), bottom_y + tick_length, "black");
    text(place_x(value), bottom_y + line_height, "middle", value);
  }

  void y_tick(double value) {
    line(left, place_y(value), left + frame_width, place_y(value), "#ddd");
    text(left - gap, place_y(value) + font_size / 3, "end", value);
  }

  void titles() {
    text(left + frame_width / 2, top - line_height / 2, "middle", plot_.title);
    text(left + frame_width / 2, height - line_height / 2, "middle", plot_.x_label);
    // Upwards: turned, x runs from the bottom to the top.
    text(-(top + frame_height / 2), line_height, "middle", plot_.y_label,
         "transform=\"rotate(-90)\"");
  }

  void draw(const Curve& curve) {
    out_ << "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" << curve.colour
         << "\" points=\"";
    for (const Point& point : curve.points)
      out_ << place_x(point.x) << ',' << place_y(point.y) << ' ';
    out_ << "\"/>\n";
  }

  void legend(const Curve& curve, std::size_t row) {
    const double y = top + line_height * static_cast<double>(row + 1);
    line(left + gap, y, left + gap + legend_line, y, curve.colour);
    text(left + gap + legend_line + gap, y + font_size / 3, "start", curve.name);
  }

  std::ostream& out_;
  const Plot& plot_;
  const Axis x_, y_;
};

}  // namespace

void write_svg(const Plot& plot, const std::string& path) {
  std::ofstream file(path);
  Drawing(file, plot).draw();
  if (!file.flush()) throw std::runtime_error("the plot cannot be written to " + path);
}
