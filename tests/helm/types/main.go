// Reads manifests from standard input, and holds each against Kubernetes' own types: an unknown
// field, a field of another type or an unknown kind is an error. So is a name or a label that
// Kubernetes refuses.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return &appsv1.Deployment{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"batch/v1 Job":                           func() any { return &batchv1.Job{} },
	"v1 ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"v1 Pod":                                 func() any { return &corev1.Pod{} },
	"v1 Service":                             func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                      func() any { return &corev1.ServiceAccount{} },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return &networkingv1.NetworkPolicy{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"rbac.authorization.k8s.io/v1 Role":      func() any { return &rbacv1.Role{} },
	"rbac.authorization.k8s.io/v1 RoleBinding": func() any { return &rbacv1.RoleBinding{} },
}

// Of others' operators: what the chart uses of them.
type podEndpoint struct {
	Port     string `json:"port"`
	Path     string `json:"path"`
	Interval string `json:"interval"`
}
type monitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector            metav1.LabelSelector `json:"selector"`
		Endpoints           []podEndpoint        `json:"endpoints,omitempty"`
		PodMetricsEndpoints []podEndpoint        `json:"podMetricsEndpoints,omitempty"`
		PodTargetLabels     []string             `json:"podTargetLabels,omitempty"`
	} `json:"spec"`
}
type rule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for,omitempty"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}
type scaled struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount *int32 `json:"minReplicaCount"`
		MaxReplicaCount *int32 `json:"maxReplicaCount"`
		CooldownPeriod  *int32 `json:"cooldownPeriod"`
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

func init() {
	kinds["monitoring.coreos.com/v1 ServiceMonitor"] = func() any { return &monitor{} }
	kinds["monitoring.coreos.com/v1 PodMonitor"] = func() any { return &monitor{} }
	kinds["monitoring.coreos.com/v1 PrometheusRule"] = func() any { return &rule{} }
	kinds["keda.sh/v1alpha1 ScaledObject"] = func() any { return &scaled{} }
}

func check(manifest string) error {
	var about metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(manifest), &about); err != nil {
		return err
	}
	if about.Kind == "" {
		return nil // nothing but comments
	}
	name := about.APIVersion + " " + about.Kind
	kind, known := kinds[name]
	if !known {
		return fmt.Errorf("unknown kind %s", name)
	}
	object := kind()
	if err := yaml.UnmarshalStrict([]byte(manifest), object); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if wrong := namesAndLabels(object); len(wrong) > 0 {
		return fmt.Errorf("%s: %s", name, strings.Join(wrong, "; "))
	}
	return nil
}

// What is wrong with the name of an object, with its labels and with those of its pods.
func namesAndLabels(object any) []string {
	about := object.(metav1.ObjectMetaAccessor).GetObjectMeta()
	wrong := validation.IsDNS1123Subdomain(about.GetName())
	labels := []map[string]string{about.GetLabels()}
	switch known := object.(type) {
	case *corev1.Service:
		wrong = validation.IsDNS1035Label(about.GetName())
	case *appsv1.Deployment:
		labels = append(labels, known.Spec.Template.Labels, known.Spec.Selector.MatchLabels)
	case *batchv1.Job:
		// Its pods have its name as a label.
		wrong = append(wrong, validation.IsDNS1123Label(about.GetName())...)
		labels = append(labels, known.Spec.Template.Labels)
	}
	for _, set := range labels {
		for key, value := range set {
			wrong = append(wrong, validation.IsQualifiedName(key)...)
			wrong = append(wrong, validation.IsValidLabelValue(value)...)
		}
	}
	return wrong
}

func main() {
	all, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	count := 0
	for _, manifest := range strings.Split(string(all), "\n---\n") {
		if err := check(manifest); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n\n%s\n", err, manifest)
			os.Exit(1)
		}
		count++
	}
	fmt.Println(count, "manifests")
}
